#include "commands/command_tree.hpp"

#include "commands/exit_code.hpp"
#include "config/nearest.hpp"
#include "mcp_provider/version.hpp"

#include <CLI/Error.hpp>
#include <CLI/FormatterFwd.hpp>
#include <CLI/Option.hpp>

#include <algorithm>
#include <ostream>
#include <utility>

namespace mcp_provider::server {

namespace {

constexpr char const* exit_codes =
    "Exit codes: 0 done, 1 found something, 2 usage, 69 port in use, 78 configuration.";

std::vector<CLI::App const*> commands_of(CLI::App const& at) {
    return at.get_subcommands(
        [](CLI::App const* one) { return !one->get_name().empty() && !one->get_group().empty(); });
}

CLI::App const* command_named(CLI::App const& at, std::string const& name) {
    auto const found =
        at.get_subcommands([&name](CLI::App const* one) { return one->get_name() == name; });
    return found.empty() ? nullptr : found.front();
}

/// Whether the word is an option whose value is the next word.
bool takes_next_word(CLI::App const& at, std::string const& word) {
    for (CLI::App const* level = &at; level != nullptr; level = level->get_parent())
        if (CLI::Option const* const option = level->get_option_no_throw(word))
            return option->get_expected_min() > 0;
    return false;
}

std::vector<std::string> options_of(CLI::App const& at) {
    std::vector<std::string> names;
    for (CLI::App const* level = &at; level != nullptr; level = level->get_parent())
        for (CLI::Option const* const option : level->get_options())
            for (std::string const& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

/// Whether the command itself takes words, beside the commands below it.
bool takes_words(CLI::App const& at) {
    auto const options = at.get_options();
    return std::any_of(options.begin(), options.end(),
                       [](CLI::Option const* one) { return one->get_positional(); });
}

std::string nearest_of(std::string const& word, std::vector<std::string> const& known) {
    return std::string{nearest(word, std::vector<std::string_view>{known.begin(), known.end()})};
}

/// How far the words of a command line lead, and the first one that leads nowhere.
struct way {
    CLI::App const* reached;
    std::string path = program_name;
    std::string unknown{};
    std::string meant{};
};

way follow(CLI::App const& root, std::vector<std::string> const& words) {
    way so_far{&root};
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string const& word = words[i];
        if (word.starts_with('-')) {
            std::string const name = word.substr(0, word.find('='));
            std::vector<std::string> const known = options_of(*so_far.reached);
            if (name.starts_with("--") &&
                std::find(known.begin(), known.end(), name) == known.end()) {
                so_far.unknown = name;
                so_far.meant = nearest_of(name, known);
                return so_far;
            }
            if (name == word && takes_next_word(*so_far.reached, word)) ++i;
            continue;
        }
        auto const commands = commands_of(*so_far.reached);
        if (commands.empty()) continue; // a word that the command itself takes
        if (CLI::App const* const next = command_named(*so_far.reached, word)) {
            so_far.reached = next;
            so_far.path += " " + word;
            continue;
        }
        if (takes_words(*so_far.reached)) continue;
        std::vector<std::string> names;
        for (CLI::App const* one : commands) names.push_back(one->get_name());
        so_far.unknown = word;
        so_far.meant = nearest_of(word, names);
        return so_far;
    }
    return so_far;
}

std::string help_of(way const& asked) {
    return asked.reached->get_formatter()->make_help(asked.reached, asked.path,
                                                     CLI::AppFormatMode::Normal);
}

} // namespace

command_tree::command_tree()
    : root_{"A local model provider: OpenAI and Ollama APIs on loopback, in front of agents.",
            program_name} {
    root_.set_version_flag("--version", std::string{program_name} + " " + std::string{version});
    root_.set_help_flag("-h,--help", "Print this help");
    root_.footer(exit_codes);
    root_.require_subcommand(1);
    root_.fallthrough();
    root_.add_option("--env-file", env_file_, "Settings as KEY=VALUE lines instead of ./.env")
        ->type_name("FILE");
    root_
        .add_option("--security-file", security_file_,
                    "Security settings instead of ./config/security.yaml")
        ->type_name("FILE");
}

CLI::App& command_tree::add(CLI::App& parent, std::string name, std::string description,
                            action does) {
    CLI::App& command = *parent.add_subcommand(std::move(name), std::move(description));
    command.set_help_flag("-h,--help", "Print this help");
    command.fallthrough();
    if (does)
        command.final_callback([this, does = std::move(does)] { chosen_ = does; });
    else
        command.require_subcommand(1);
    return command;
}

int command_tree::run(std::vector<std::string> words, surroundings const& around) {
    std::vector<std::string> const written = words;
    if (words.empty()) {
        around.err << root_.help();
        return exit_usage;
    }
    try {
        std::reverse(words.begin(), words.end()); // CLI11 takes them from the back
        root_.parse(std::move(words));
    } catch (CLI::CallForHelp const&) {
        way const asked = follow(root_, written);
        around.out << help_of(asked);
        return exit_done;
    } catch (CLI::CallForVersion const& version_text) {
        around.out << version_text.what() << '\n';
        return exit_done;
    } catch (CLI::ParseError const& failure) {
        return refuse(written, failure.what(), around);
    }
    if (!env_file_.empty()) files_.env_file = env_file_;
    if (!security_file_.empty()) files_.security_file = security_file_;
    files_.environment = around.environment;
    int const code = chosen_(files_, around);
    if (around.out.flush()) return code;
    around.err << program_name << ": stdout cannot be written\n";
    return exit_found;
}

int command_tree::print_help(std::vector<std::string> const& words, surroundings const& around) {
    way const asked = follow(root_, words);
    if (!asked.unknown.empty()) return refuse(words, {}, around);
    around.out << help_of(asked);
    return exit_done;
}

int command_tree::refuse(std::vector<std::string> const& words, std::string const& why,
                         surroundings const& around) {
    way const written = follow(root_, words);
    around.err << program_name << ": ";
    if (written.unknown.empty())
        around.err << why;
    else
        around.err << (written.unknown.starts_with('-') ? "there is no option "
                                                        : "there is no command ")
                   << written.unknown;
    around.err << '\n';
    if (!written.meant.empty()) around.err << "  did you mean " << written.meant << "?\n";
    around.err << "  `" << written.path << " --help` tells what there is\n";
    return exit_usage;
}

} // namespace mcp_provider::server
