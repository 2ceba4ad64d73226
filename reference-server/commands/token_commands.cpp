// token create, list, revoke and rotate.
#include "commands/command_list.hpp"
#include "commands/duration.hpp"
#include "commands/exit_code.hpp"
#include "config/checks.hpp"
#include "config/nearest.hpp"
#include "config/private_file.hpp"
#include "config/problem.hpp"
#include "config/words.hpp"
#include "keys/key_file.hpp"
#include "keys/key_store.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/random.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <iomanip>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>

namespace mcp_provider::server {

namespace {

constexpr std::array<std::string_view, 6> scope_names{"discover", "generate", "metrics",
                                                      "events",   "agent",    "admin"};

int wrong_usage(surroundings const& around, std::string const& what) {
    around.err << program_name << ": " << what << '\n';
    return exit_usage;
}

/// The configuration as far as tokens need it; its problems are printed.
std::shared_ptr<config const> find_state(sources const& from, surroundings const& around) {
    loaded outcome = load_only(from, {"STATE_DIR"});
    if (!outcome.settings) print(around.err, outcome.problems, around.colour);
    return std::move(outcome.settings);
}

/// Runs what works on the key file; a key file that cannot be used is a matter of configuration.
template <class Work>
int with_keys(sources const& from, surroundings const& around, Work work) {
    auto const settings = find_state(from, around);
    if (!settings) return exit_configuration;
    try {
        return work(key_store{settings->keys_file()});
    } catch (key_file_error const& failure) {
        around.err << program_name << ": " << failure.what() << '\n';
        return exit_configuration;
    }
}

std::vector<std::string> names_of(scopes may) {
    std::vector<std::string> names;
    for (std::string_view const name : scope_names)
        if (may.has(*scope_of(name))) names.emplace_back(name);
    return names;
}

std::string_view state_of(key_record const& key, moment now) {
    if (key.revoked) return "revoked";
    return key.expires && now >= *key.expires ? "expired" : "active";
}

struct create_options {
    std::string label;
    std::string scope_list = "discover,generate";
    std::string models;
    std::string expires;
};

/// What the options ask for, or why they cannot be followed.
std::optional<key_request> request_of(create_options const& options, std::string& wrong) {
    key_request wanted;
    wanted.label = trimmed(options.label);
    wanted.may = {};
    if (wanted.label.empty() || wanted.label.size() > max_label_bytes ||
        !unfit_text(wanted.label).empty())
        wrong =
            "--label must be a text of 1 to " + std::to_string(max_label_bytes) + " bytes of UTF-8";
    for (std::string const& word : split(options.scope_list, ',')) {
        if (auto const one = scope_of(word)) {
            wanted.may = wanted.may | *one;
            continue;
        }
        std::string_view const meant = nearest(word, scope_names);
        wrong =
            "--scopes: there is no scope " + word +
            (meant.empty() ? "; there are " + join({scope_names.begin(), scope_names.end()}, ", ")
                           : "; did you mean " + std::string{meant} + "?");
    }
    if (wrong.empty() && wanted.may.empty()) wrong = "--scopes must name at least one scope";
    wanted.models = split(options.models, ',');
    if (wanted.models.size() > max_models_of_key)
        wrong = "--models names more than " + std::to_string(max_models_of_key) + " models";
    for (std::string const& model : wanted.models)
        if (auto const why = checks::model_name(model))
            wrong = "--models: \"" + model + "\" " + *why;
    if (!options.expires.empty()) {
        wanted.good_for = read_duration(options.expires);
        if (!wanted.good_for)
            wrong =
                "--expires must be a time such as 90s, 15m, 24h, 30d or 8w, and at most ten years";
    }
    if (!wrong.empty()) return std::nullopt;
    return wanted;
}

int create(create_options const& options, sources const& from, surroundings const& around) {
    std::string wrong;
    auto const wanted = request_of(options, wrong);
    if (!wanted) return wrong_usage(around, wrong);
    return with_keys(from, around, [&](key_store const& store) {
        new_key const made = store.create(*wanted, around.now());
        around.out << made.token.reveal() << std::endl;
        around.err << "made " << made.record.id << " for \"" << made.record.label
                   << "\": " << join(names_of(made.record.may), ", ") << "; "
                   << (made.record.models.empty() ? "all models"
                                                  : "models " + join(made.record.models, ", "))
                   << "; "
                   << (made.record.expires ? "until " + to_text(*made.record.expires)
                                           : std::string{"without an end"})
                   << ".\nThe token is shown this once; only its digest is kept.\n";
        return exit_done;
    });
}

boost::json::object as_json(key_record const& key, moment now) {
    auto const when = [](std::optional<moment> const& at) {
        return at ? boost::json::value(to_text(*at)) : boost::json::value(nullptr);
    };
    boost::json::array scope_list;
    for (std::string const& name : names_of(key.may)) scope_list.emplace_back(name);
    boost::json::array models;
    for (std::string const& model : key.models) models.emplace_back(model);
    return {{"id", key.id},
            {"label", key.label},
            {"state", state_of(key, now)},
            {"scopes", std::move(scope_list)},
            {"models", std::move(models)},
            {"created", to_text(key.created)},
            {"expires", when(key.expires)},
            {"revoked", when(key.revoked)}};
}

void print_table(std::ostream& out, std::vector<key_record> const& keys, moment now) {
    if (keys.empty()) {
        out << "there are no keys; `" << program_name << " token create --label NAME` makes one\n";
        return;
    }
    auto const line = [&out](std::string_view id, std::string_view state, std::string_view expires,
                             std::string_view scope_list, std::string_view models,
                             std::string_view label) {
        out << std::left << std::setw(18) << id << std::setw(9) << state << std::setw(22) << expires
            << std::setw(20) << scope_list << std::setw(14) << models << label << '\n';
    };
    line("ID", "STATE", "EXPIRES", "SCOPES", "MODELS", "LABEL");
    for (key_record const& key : keys)
        line(key.id, state_of(key, now), key.expires ? to_text(*key.expires) : "never",
             join(names_of(key.may), ",") + " ",
             key.models.empty() ? "all" : join(key.models, ",") + " ", key.label);
}

int list(bool json, sources const& from, surroundings const& around) {
    return with_keys(from, around, [&](key_store const& store) {
        std::vector<key_record> const keys = store.list();
        if (!json) {
            print_table(around.out, keys, around.now());
            return exit_done;
        }
        boost::json::array all;
        for (key_record const& key : keys) all.push_back(as_json(key, around.now()));
        around.out << boost::json::serialize(boost::json::object{{"keys", std::move(all)}}) << '\n';
        return exit_done;
    });
}

int revoke(std::string const& id, sources const& from, surroundings const& around) {
    return with_keys(from, around, [&](key_store const& store) {
        switch (store.revoke(id, around.now())) {
        case revocation::done:
            around.err << "revoked " << id << "; a running server refuses it within a second\n";
            break;
        case revocation::was_revoked_before: around.err << id << " was revoked before\n"; break;
        case revocation::unknown:
            around.err << program_name << ": there is no key " << id << "; `" << program_name
                       << " token list` names them\n";
            return exit_found;
        }
        return exit_done;
    });
}

int rotate_bridge(sources const& from, surroundings const& around) {
    auto const settings = find_state(from, around);
    if (!settings) return exit_configuration;
    std::string token = crypto::base64url_encode(crypto::as_text(crypto::random_bytes<32>()));
    std::error_code failure = make_private_directory(settings->state_directory);
    if (!failure) failure = replace_private_file(settings->bridge_token_file(), token + "\n");
    if (failure) {
        around.err << program_name << ": " << settings->bridge_token_file().string()
                   << " cannot be written: " << failure.message() << '\n';
        return exit_configuration;
    }
    around.out << token << std::endl;
    wipe(token.data(), token.size());
    around.err << "wrote " << settings->bridge_token_file().string()
               << "; adapter and bridge that run take it within seconds, and the old one for ten "
                  "minutes\n";
    if (settings->bridge.token_is_configured)
        around.err << "warning: MCP_BRIDGE_TOKEN is set and outvotes that file; remove it from "
                      ".env and the environment\n";
    return exit_done;
}

} // namespace

void add_token_commands(command_tree& to) {
    CLI::App& token =
        to.add(to.root(), "token", "Make, list and revoke API keys, and rotate the bridge token");

    auto const wanted = std::make_shared<create_options>();
    CLI::App& create_command =
        to.add(token, "create", "Make an API key and print its token, alone, on stdout",
               [wanted](sources const& from, surroundings const& around) {
                   return create(*wanted, from, around);
               });
    create_command.add_option("--label", wanted->label, "What the key is for")
        ->required()
        ->type_name("NAME");
    create_command
        .add_option("--scopes", wanted->scope_list,
                    "discover, generate, metrics, events, agent, admin")
        ->type_name("LIST")
        ->capture_default_str();
    create_command.add_option("--models", wanted->models, "The only models that it may use")
        ->type_name("LIST");
    create_command
        .add_option("--expires", wanted->expires, "How long it is good, such as 24h or 30d")
        ->type_name("TIME");

    auto const json = std::make_shared<bool>(false);
    CLI::App& list_command = to.add(token, "list", "List the API keys",
                                    [json](sources const& from, surroundings const& around) {
                                        return list(*json, from, around);
                                    });
    list_command.add_flag("--json", *json, "Print JSON");

    auto const id = std::make_shared<std::string>();
    CLI::App& revoke_command = to.add(token, "revoke", "Revoke an API key for good",
                                      [id](sources const& from, surroundings const& around) {
                                          return revoke(*id, from, around);
                                      });
    revoke_command.add_option("ID", *id, "The id of the key")->required();

    CLI::App& rotate = to.add(token, "rotate", "Replace a token by a new one");
    to.add(rotate, "bridge",
           "Replace the token that adapter and bridge share, and print the new one",
           [](sources const& from, surroundings const& around) {
               return rotate_bridge(from, around);
           });
}

} // namespace mcp_provider::server
