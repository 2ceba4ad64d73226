// What a handler asks the client while it works: the user for input, the model for an answer, the host for its folders.
#pragma once

#include "mcp_provider/json/reader.hpp"
#include "mcp_provider/json/write.hpp"
#include "mcp_provider/mcp/types.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::mcp {

/// A question with the key under which its answer comes back. Keys name the questions of one call, and must be the same
/// when the call is run again with the answers (see `call::ask`).
class question {
public:
    enum class kind : std::uint8_t { sampling, form, url, roots };

    /// Asks the model. `params` is the text of the params of `sampling/createMessage`: `messages`, `maxTokens`, ...
    [[nodiscard]] static question sampling(std::string key, std::string params) {
        return question{kind::sampling, std::move(key), std::move(params)};
    }
    /// Asks the user to fill in a form. `schema` is the text of a flat JSON Schema of type object.
    [[nodiscard]] static question form(std::string key, std::string_view message,
                                       std::string_view schema) {
        std::string params = R"({"message":)";
        json::append_quoted(params, message);
        ((params += R"(,"requestedSchema":)") += schema) += '}';
        return question{kind::form, std::move(key), std::move(params)};
    }
    /// Asks the user to visit an address (since 2025-11-25).
    [[nodiscard]] static question url(std::string key, std::string_view message,
                                      std::string_view address, std::string_view id) {
        std::string params = R"({"mode":"url","message":)";
        json::append_quoted(params, message);
        detail::append_text_member(params, "url", address);
        detail::append_text_member(params, "elicitationId", id);
        params += '}';
        return question{kind::url, std::move(key), std::move(params)};
    }
    /// Asks which folders the host has opened.
    [[nodiscard]] static question roots(std::string key) {
        return question{kind::roots, std::move(key), "{}"};
    }

    [[nodiscard]] std::string const& key() const noexcept { return key_; }
    [[nodiscard]] std::string const& params() const noexcept { return params_; }
    [[nodiscard]] std::string_view method() const noexcept {
        switch (kind_) {
        case kind::sampling: return "sampling/createMessage";
        case kind::roots: return "roots/list";
        default: return "elicitation/create";
        }
    }

    /// The capability that the client lacks for it, as JSON of `ClientCapabilities`; empty where it lacks none.
    [[nodiscard]] std::string_view missing_in(client_capabilities const& can) const noexcept {
        switch (kind_) {
        case kind::sampling: return can.sampling ? "" : R"({"sampling":{}})";
        case kind::form: return can.elicitation_form ? "" : R"({"elicitation":{"form":{}}})";
        case kind::url: return can.elicitation_url ? "" : R"({"elicitation":{"url":{}}})";
        case kind::roots: return can.roots ? "" : R"({"roots":{}})";
        }
        return {};
    }

    /// Whether `answer` has the shape of an answer to this; one that has not counts as missing.
    [[nodiscard]] bool is_answered_by(boost::json::value const& answer) const {
        json::reading pass{answer};
        json::reader const in = pass.root();
        switch (kind_) {
        case kind::sampling:
            (void)in["role"].text();
            (void)in["model"].text();
            if (!in["content"].is_array()) (void)content::read(in["content"]);
            break;
        case kind::roots: (void)in["roots"].elements(); break;
        default: {
            std::string_view const action = in["action"].text();
            if (action != "accept" && action != "decline" && action != "cancel") return false;
            if (kind_ == kind::form && action == "accept") (void)in["content"].members();
        }
        }
        return pass.ok();
    }

private:
    question(kind what, std::string key, std::string params)
        : kind_{what}, key_{std::move(key)}, params_{std::move(params)} {}

    kind kind_;
    std::string key_;
    std::string params_;
};

/// Answers by the keys of their questions: an `ElicitResult`, a `CreateMessageResult` or a `ListRootsResult` each.
using answers = std::map<std::string, boost::json::value, std::less<>>;

} // namespace mcp_provider::mcp
