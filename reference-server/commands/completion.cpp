#include "commands/completion.hpp"

#include "commands/command_list.hpp"
#include "commands/exit_code.hpp"
#include "config/words.hpp"

#include <CLI/Option.hpp>
#include <CLI/Validators.hpp>

#include <algorithm>
#include <memory>
#include <ostream>
#include <vector>

namespace mcp_provider::server {

namespace {

/// What may follow an option or stand as a word of a command.
struct values {
    bool wanted = false;
    bool files = false;
    std::vector<std::string> words; ///< where only these are allowed
};

struct option_line {
    std::vector<std::string> names; ///< `--json`, `-n`
    std::string description;
    values takes;
};

/// A command with its path below the program (" token create"), its own options and those that fall
/// through to others.
struct command_line {
    std::string path;
    std::string name;
    std::string description;
    std::vector<command_line> commands;
    std::vector<option_line> options;
    values words;
};

values values_of(CLI::Option const& option) {
    values takes;
    takes.wanted = option.get_expected_max() > 0;
    std::string const type =
        option.get_type_name(); // such as `FILE`, or `TEXT:{bash,zsh,fish}` with a check
    std::size_t const open = type.find('{');
    std::size_t const close = type.find('}');
    if (open != std::string::npos && close != std::string::npos && open < close)
        takes.words = split(type.substr(open + 1, close - open - 1), ',');
    takes.files = type == "FILE" || option.get_name() == "FILE";
    return takes;
}

void add_options(CLI::App const& of, command_line& to) {
    for (CLI::Option const* const option : of.get_options()) {
        if (option->get_positional()) {
            to.words = values_of(*option);
            continue;
        }
        option_line line{{}, option->get_description(), values_of(*option)};
        for (std::string const& name : option->get_lnames()) line.names.push_back("--" + name);
        for (std::string const& name : option->get_snames()) line.names.push_back("-" + name);
        bool const is_known =
            std::any_of(to.options.begin(), to.options.end(), [&line](option_line const& one) {
                return one.names == line.names; // a command's --help, before that of those above it
            });
        if (!is_known) to.options.push_back(std::move(line));
    }
}

command_line read_tree(CLI::App const& at, std::string const& path) {
    command_line made{path, at.get_name(), at.get_description(), {}, {}, {}};
    for (CLI::App const* level = &at; level != nullptr; level = level->get_parent())
        add_options(*level, made);
    for (CLI::App const* const one : at.get_subcommands({}))
        if (!one->get_group().empty())
            made.commands.push_back(read_tree(*one, path + " " + one->get_name()));
    return made;
}

/// Every command, each before those below it.
void flatten(command_line const& at, std::vector<command_line const*>& into) {
    into.push_back(&at);
    for (command_line const& one : at.commands) flatten(one, into);
}

std::string shell_word(std::string_view text) {
    std::string out = "'";
    for (char const c : text) {
        if (c == '\'')
            out += "'\\''";
        else
            out += c;
    }
    return out + "'";
}

std::string words_of(command_line const& at) {
    std::vector<std::string> words;
    for (command_line const& one : at.commands) words.push_back(one.name);
    for (std::string const& word : at.words.words) words.push_back(word);
    for (option_line const& option : at.options)
        words.insert(words.end(), option.names.begin(), option.names.end());
    return join(words, " ");
}

/// A `case` of shell patterns: which words lead from one command to the next.
std::string path_case(std::vector<command_line const*> const& all, std::string_view indent) {
    std::vector<std::string> patterns;
    for (command_line const* one : all)
        if (!one->path.empty()) patterns.push_back(shell_word(one->path));
    return std::string{indent} + "case \"$trail $word\" in " + join(patterns, " | ") +
           ") trail=\"$trail $word\" ;; esac\n";
}

} // namespace

std::string bash_completion(CLI::App const& root) {
    command_line const tree = read_tree(root, {});
    std::vector<command_line const*> all;
    flatten(tree, all);
    std::string out = "# bash completion for mcp-local-provider\n"
                      "_mcp_local_provider() {\n"
                      "    local current=${COMP_WORDS[COMP_CWORD]} "
                      "previous=${COMP_WORDS[COMP_CWORD - 1]} trail='' word\n"
                      "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD - 1}\"; do\n";
    out += path_case(all, "        ");
    out += "    done\n"
           "    COMPREPLY=()\n"
           "    case \"$trail $previous\" in\n";
    for (command_line const* one : all)
        for (option_line const& option : one->options) {
            if (!option.takes.wanted) continue;
            std::vector<std::string> patterns;
            for (std::string const& name : option.names)
                patterns.push_back(shell_word(one->path + " " + name));
            out += "    " + join(patterns, " | ") + ")\n";
            if (option.takes.files)
                out += "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n";
            else if (!option.takes.words.empty())
                out += "        mapfile -t COMPREPLY < <(compgen -W " +
                       shell_word(join(option.takes.words, " ")) + " -- \"$current\")\n";
            out += "        return ;;\n";
        }
    out += "    esac\n"
           "    case \"$trail\" in\n";
    for (command_line const* one : all) {
        out += "    " + shell_word(one->path) + ")\n        mapfile -t COMPREPLY < <(compgen ";
        if (one->words.files) out += "-f ";
        out += "-W " + shell_word(words_of(*one)) + " -- \"$current\") ;;\n";
    }
    return out + "    esac\n}\ncomplete -F _mcp_local_provider mcp-local-provider\n";
}

std::string zsh_completion(CLI::App const& root) {
    command_line const tree = read_tree(root, {});
    std::vector<command_line const*> all;
    flatten(tree, all);
    auto const described = [](std::string name, std::string_view description) {
        for (std::size_t at = 0; (at = name.find(':', at)) != std::string::npos; at += 2)
            name.insert(at, "\\");
        return shell_word(name + ":" + std::string{description});
    };
    std::string out = "#compdef mcp-local-provider\n"
                      "# zsh completion for mcp-local-provider\n"
                      "_mcp_local_provider() {\n"
                      "    local trail='' word previous=${words[CURRENT - 1]}\n"
                      "    local -a lines\n"
                      "    for word in \"${(@)words[2,CURRENT - 1]}\"; do\n";
    out += path_case(all, "        ");
    out += "    done\n"
           "    case \"$trail $previous\" in\n";
    for (command_line const* one : all)
        for (option_line const& option : one->options) {
            if (!option.takes.wanted) continue;
            std::vector<std::string> patterns;
            for (std::string const& name : option.names)
                patterns.push_back(shell_word(one->path + " " + name));
            out += "    " + join(patterns, " | ") + ")\n";
            if (option.takes.files)
                out += "        _files\n";
            else if (!option.takes.words.empty()) {
                std::vector<std::string> choices;
                for (std::string const& word : option.takes.words)
                    choices.push_back(shell_word(word));
                out += "        compadd -- " + join(choices, " ") + "\n";
            } else {
                out += "        _message " + shell_word(option.description) + "\n";
            }
            out += "        return ;;\n";
        }
    out += "    esac\n"
           "    case \"$trail\" in\n";
    for (command_line const* one : all) {
        out += "    " + shell_word(one->path) + ")\n        lines=(\n";
        for (command_line const& below : one->commands)
            out += "            " + described(below.name, below.description) + "\n";
        for (std::string const& word : one->words.words)
            out += "            " + described(word, {}) + "\n";
        for (option_line const& option : one->options)
            for (std::string const& name : option.names)
                out += "            " + described(name, option.description) + "\n";
        out += "        )\n";
        if (one->words.files) out += "        _files\n";
        out += "        ;;\n";
    }
    // The file may be sourced, or be the body of the function `_mcp-local-provider`.
    return out +
           "    esac\n    _describe 'mcp-local-provider' lines\n}\n"
           "if [[ ${funcstack[1]} == _mcp-local-provider ]]; then\n    _mcp_local_provider \"$@\"\n"
           "else\n    compdef _mcp_local_provider mcp-local-provider\nfi\n";
}

std::string fish_completion(CLI::App const& root) {
    command_line const tree = read_tree(root, {});
    std::vector<command_line const*> all;
    flatten(tree, all);
    std::vector<std::string> paths;
    for (command_line const* one : all)
        if (!one->path.empty()) paths.push_back(shell_word(one->path));
    std::string out =
        "# fish completion for mcp-local-provider\n"
        "function __mcp_local_provider_at --description 'Whether the words lead to this command'\n"
        "    set -l trail ''\n"
        "    for word in (commandline -opc)[2..-1]\n"
        "        contains -- \"$trail $word\" " +
        join(paths, " ") +
        "; and set trail \"$trail $word\"\n"
        "    end\n"
        "    test \"$trail\" = \"$argv[1]\"\n"
        "end\n"
        "complete -c mcp-local-provider -f\n";
    for (command_line const* one : all) {
        std::string const start = "complete -c mcp-local-provider -n " +
                                  shell_word("__mcp_local_provider_at \"" + one->path + "\"");
        for (command_line const& below : one->commands)
            out += start + " -a " + shell_word(below.name) + " -d " +
                   shell_word(below.description) + "\n";
        if (!one->words.words.empty())
            out += start + " -a " + shell_word(join(one->words.words, " ")) + "\n";
        if (one->words.files) out += start + " -F\n";
        for (option_line const& option : one->options) {
            out += start;
            for (std::string const& name : option.names)
                out += name.starts_with("--") ? " -l " + shell_word(name.substr(2))
                                              : " -s " + shell_word(name.substr(1));
            if (option.takes.wanted) out += option.takes.files ? " -r -F" : " -x";
            if (!option.takes.words.empty())
                out += " -a " + shell_word(join(option.takes.words, " "));
            out += " -d " + shell_word(option.description) + "\n";
        }
    }
    return out;
}

void add_completion_command(command_tree& to) {
    auto const shell = std::make_shared<std::string>();
    CLI::App& command = to.add(to.root(), "completion",
                               "Print a script that completes commands and options in a shell",
                               [shell, &to](sources const&, surroundings const& around) {
                                   around.out << (*shell == "bash"  ? bash_completion(to.root())
                                                  : *shell == "zsh" ? zsh_completion(to.root())
                                                                    : fish_completion(to.root()));
                                   return exit_done;
                               });
    command.add_option("SHELL", *shell, "The shell")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

} // namespace mcp_provider::server
