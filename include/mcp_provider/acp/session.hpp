// What an agent of the Agent Client Protocol says about itself, its sessions and its turns; read with patience.
#pragma once

#include "mcp_provider/agent/delta.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::acp {

/// The member of an object; null where there is none, or `from` is no object.
[[nodiscard]] inline boost::json::value const* member_of(boost::json::value const* from,
                                                         std::string_view name) {
    auto const* const object = from != nullptr ? from->if_object() : nullptr;
    return object != nullptr ? object->if_contains({name.data(), name.size()}) : nullptr;
}
/// A text member; empty where it is missing or is no text.
[[nodiscard]] inline std::string_view text_of(boost::json::value const* from,
                                              std::string_view name) {
    auto const* const found = member_of(from, name);
    auto const* const text = found != nullptr ? found->if_string() : nullptr;
    return text != nullptr ? std::string_view{text->data(), text->size()} : std::string_view{};
}
/// A whole number of at least 0; `otherwise` where it is missing or is none.
[[nodiscard]] inline std::uint64_t number_of(boost::json::value const* from, std::string_view name,
                                             std::uint64_t otherwise = 0) {
    auto const* const found = member_of(from, name);
    if (found == nullptr || !found->is_number()) return otherwise;
    boost::json::error_code inexact;
    auto const number = found->to_number<std::uint64_t>(inexact);
    return inexact ? otherwise : number;
}
[[nodiscard]] inline bool flag_of(boost::json::value const* from, std::string_view name) {
    auto const* const found = member_of(from, name);
    return found != nullptr && found->is_bool() && found->get_bool();
}

/// The answer to `initialize`.
class agent_facts {
public:
    /// A way to log in, as the agent describes it.
    class login {
    public:
        std::string id;
        std::string name;
        std::string description;
    };

    agent_facts() = default;
    explicit agent_facts(boost::json::value const& result)
        : protocol{number_of(&result, "protocolVersion")}, name{text_of(
                                                               member_of(&result, "agentInfo"),
                                                               "name")},
          version{text_of(member_of(&result, "agentInfo"), "version")} {
        auto const* const abilities = member_of(&result, "agentCapabilities");
        takes_images = flag_of(member_of(abilities, "promptCapabilities"), "image");
        auto const* const close = member_of(member_of(abilities, "sessionCapabilities"), "close");
        closes_sessions = close != nullptr && !close->is_null();
        auto const* const ways = member_of(&result, "authMethods");
        if (ways == nullptr || !ways->is_array()) return;
        for (boost::json::value const& one : ways->get_array())
            if (logins.size() < max_logins)
                logins.push_back({std::string{text_of(&one, "id")},
                                        std::string{text_of(&one, "name")},
                                        std::string{text_of(&one, "description")}});
    }

    std::uint64_t protocol = 0;
    std::string name;
    std::string version;
    bool takes_images = false;
    bool closes_sessions = false;
    std::vector<login> logins;

private:
    static constexpr std::size_t max_logins = 16;
};

/// A choice that a session offers, such as its model.
class config_option {
public:
    class choice {
    public:
        std::string value;
        std::string name;
    };

    std::string id;
    std::string category; ///< `model`, `mode`, `thought_level`, …; may be empty
    std::string current;
    std::vector<choice> choices;
    bool is_legacy_model = false; ///< told as `models`, set by `session/set_model`

    [[nodiscard]] bool has(std::string_view value) const {
        return std::any_of(choices.begin(), choices.end(),
                           [&](choice const& one) { return one.value == value; });
    }
};

namespace detail {

inline constexpr std::size_t max_choices = 2'000;

// Choices may stand in groups.
inline void read_choices(config_option& into, boost::json::value const* list, bool may_be_groups) {
    if (list == nullptr || !list->is_array()) return;
    for (boost::json::value const& one : list->get_array()) {
        if (auto const* const group = member_of(&one, "options"); group != nullptr) {
            if (may_be_groups) read_choices(into, group, false);
            continue;
        }
        std::string_view const value = text_of(&one, "value");
        if (value.empty() || into.choices.size() == max_choices) continue;
        into.choices.push_back({std::string{value}, std::string{text_of(&one, "name")}});
    }
}

} // namespace detail

/// Reads `configOptions`, and `models` of older agents where those say nothing of a model. Takes what it understands.
[[nodiscard]] inline std::vector<config_option> read_options(boost::json::value const& result) {
    std::vector<config_option> options;
    auto const is_model = [](config_option const& one) {
        return one.category == "model" || (one.category.empty() && one.id == "model");
    };
    if (auto const* const list = member_of(&result, "configOptions");
        list != nullptr && list->is_array()) {
        for (boost::json::value const& one : list->get_array()) {
            config_option option;
            option.id = text_of(&one, "id");
            option.category = text_of(&one, "category");
            option.current = text_of(&one, "currentValue");
            detail::read_choices(option, member_of(&one, "options"), true);
            if (option.id.empty() || option.choices.empty()) continue;
            if (is_model(option)) option.category = "model";
            options.push_back(std::move(option));
        }
    }
    auto const* const models = member_of(&result, "models");
    auto const* const list = member_of(models, "availableModels");
    if (list == nullptr || !list->is_array() ||
        std::any_of(options.begin(), options.end(), is_model))
        return options;
    config_option model;
    model.id = model.category = "model";
    model.is_legacy_model = true;
    model.current = text_of(models, "currentModelId");
    for (boost::json::value const& one : list->get_array())
        if (auto const id = text_of(&one, "modelId");
            !id.empty() && model.choices.size() < detail::max_choices)
            model.choices.push_back({std::string{id}, std::string{text_of(&one, "name")}});
    if (!model.choices.empty()) options.push_back(std::move(model));
    return options;
}

/// A question of `session/request_permission`.
class permission_request {
public:
    class choice {
    public:
        std::string id;
        std::string kind; ///< `allow_once`, `allow_always`, `reject_once`, `reject_always`
    };

    permission_request() = default;
    explicit permission_request(boost::json::value const& params) {
        auto const* const call = member_of(&params, "toolCall");
        title = text_of(call, "title");
        kind = text_of(call, "kind");
        auto const* const list = member_of(&params, "options");
        if (list == nullptr || !list->is_array()) return;
        for (boost::json::value const& one : list->get_array())
            if (auto const id = text_of(&one, "optionId"); !id.empty() && choices.size() < 32)
                choices.push_back({std::string{id}, std::string{text_of(&one, "kind")}});
    }

    /// The id of the choice that allows or refuses for this once; where there is none, and it is to be refused, the one
    /// that refuses for good. Null where there is no such choice. Nothing is ever allowed for good.
    [[nodiscard]] std::string const* chosen(bool allow) const {
        for (std::string_view const wanted :
             {allow ? std::string_view{"allow_once"} : std::string_view{"reject_once"},
              allow ? std::string_view{} : std::string_view{"reject_always"}})
            for (choice const& one : choices)
                if (!wanted.empty() && one.kind == wanted) return &one.id;
        return nullptr;
    }

    std::string title; ///< of the tool call
    std::string kind;  ///< `read`, `edit`, `execute`, `fetch`, …
    std::vector<choice> choices;
};

/// The answer to `session/prompt`.
class turn_result {
public:
    enum class stop : std::uint8_t {
        end_turn,
        max_tokens,
        max_turn_requests,
        refusal,
        cancelled,
        unknown
    };

    turn_result() = default;
    explicit turn_result(boost::json::value const& result) {
        std::string_view const reason = text_of(&result, "stopReason");
        stopped = reason == "end_turn"            ? stop::end_turn
                  : reason == "max_tokens"        ? stop::max_tokens
                  : reason == "max_turn_requests" ? stop::max_turn_requests
                  : reason == "refusal"           ? stop::refusal
                  : reason == "cancelled"         ? stop::cancelled
                                                  : stop::unknown;
        auto const* const usage = member_of(&result, "usage");
        auto const* const input = member_of(usage, "inputTokens");
        auto const* const output = member_of(usage, "outputTokens");
        used_is_known =
            input != nullptr && output != nullptr && input->is_number() && output->is_number();
        used.prompt_tokens = number_of(usage, "inputTokens") +
                             number_of(usage, "cachedReadTokens") +
                             number_of(usage, "cachedWriteTokens");
        used.completion_tokens = number_of(usage, "outputTokens");
    }

    turn_result::stop stopped = stop::unknown;
    agent::usage used;
    bool used_is_known = false;
};

} // namespace mcp_provider::acp
