// How a client and a server find out which era and revision they have in common.
#pragma once

#include "mcp_provider/mcp/detail/client_core.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::mcp::detail {

/// What an answer to `server/discover` says of its server.
enum class era_sign : std::uint8_t {
    modern, ///< it speaks our newest revision
    again,  ///< so it says, but it has refused it: one more try
    legacy, ///< it does not know the question, or speaks older revisions only
    neither ///< it is of the modern era and does not speak with us
};

/// Whether a list of revisions has one of an era that we speak.
[[nodiscard]] inline bool lists(bj::value const* revisions, bool modern) {
    if (revisions == nullptr || !revisions->is_array()) return false;
    bj::array const& list = revisions->get_array();
    return std::any_of(list.begin(), list.end(), [&](bj::value const& one) {
        if (!one.is_string()) return false;
        auto const known = revision_of({one.get_string().data(), one.get_string().size()});
        return known && is_modern(*known) == modern;
    });
}

/// Reads the signs. *See* 2026-07-28, Versioning, Backward Compatibility.
[[nodiscard]] inline era_sign sign_in(incoming_answer const& answer) {
    if (answer.document.is_null()) return era_sign::legacy; // 4xx without a reason
    auto const message = rpc::read(answer.document);
    if (!message) return era_sign::legacy;
    if (message->kind() == rpc::kind::response) {
        bj::object const* const result = message->result()->if_object();
        bj::value const* const spoken =
            result != nullptr ? result->if_contains("supportedVersions") : nullptr;
        if (lists(spoken, true)) return era_sign::modern;
        bool const says_nothing = spoken == nullptr || !spoken->is_array();
        return says_nothing || lists(spoken, false) ? era_sign::legacy : era_sign::neither;
    }
    switch (message->error_code()) {
    case error_code::unsupported_version: {
        bj::object const* const data =
            message->error_data() != nullptr ? message->error_data()->if_object() : nullptr;
        bj::value const* const spoken = data != nullptr ? data->if_contains("supported") : nullptr;
        if (lists(spoken, true)) return era_sign::again;
        bool const says_nothing = spoken == nullptr || !spoken->is_array();
        return says_nothing || lists(spoken, false) ? era_sign::legacy : era_sign::neither;
    }
    case error_code::header_mismatch:
    case error_code::missing_capability: return era_sign::neither;
    default: return era_sign::legacy;
    }
}

inline void note_server(server_facts& facts, bj::object const& result, bj::object const* own) {
    bj::object const* const can = object_at(result, "capabilities");
    facts.capabilities = can != nullptr ? *can : bj::object{};
    facts.instructions = text_at(result, "instructions");
    facts.name = own != nullptr ? text_at(*own, "name") : "";
    facts.version = own != nullptr ? text_at(*own, "version") : "";
}

/// The handshake of the legacy era.
[[nodiscard]] inline asio::awaitable<result<>> initialize(std::shared_ptr<client_core> core,
                                                          revision offered, steady_time until) {
    core->stop("listen");
    core->is_connected = false;
    core->transport().speak(std::nullopt);
    bj::object params;
    params["protocolVersion"] = key(name_of(offered));
    params["capabilities"] = core->capabilities();
    params["clientInfo"] = core->identity();
    std::string const method = "initialize";
    std::string const no_fields;
    call_options how;
    how.time = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    auto answer = co_await core->exchange(method, params, no_fields, how);
    if (!answer) co_return answer.error();
    auto const outcome = client_core::result_of(*answer);
    if (!outcome) co_return outcome.error();
    std::string_view const named = text_at(*outcome, "protocolVersion");
    auto const agreed = revision_of(named);
    if (!agreed || is_modern(*agreed))
        co_return bad_answer("it agrees on revision " + excerpt(named, 40) +
                             ", which this client does not speak after a handshake");
    note_server(core->facts, *outcome, object_at(*outcome, "serverInfo"));
    core->facts.spoken = *agreed;
    core->transport().speak(*agreed);
    core->is_connected = true;
    ++core->session_number;
    auto const told = co_await core->notify("notifications/initialized", bj::object{});
    if (!told) co_return told.error();
    if (core->options().listens) core->start(core->transport().listen(), "listen");
    co_return result<>{};
}

/// Connects: opens the way, and agrees on a revision.
[[nodiscard]] inline asio::awaitable<result<>> shake_hands(std::shared_ptr<client_core> core) {
    core->executor = co_await asio::this_coro::executor;
    core->is_connected = false;
    auto const until = std::chrono::steady_clock::now() + core->options().connect_time;
    auto const opened = co_await core->transport().open(*core, until);
    if (!opened) co_return opened.error();
    std::optional<revision> const only = core->options().only;
    if (only && !is_modern(*only)) co_return co_await initialize(core, *only, until);

    std::string const method = "server/discover";
    std::string const no_fields;
    bj::object const no_params;
    bool const may_be_silent = core->transport().may_be_silent() && !only;
    call_options how;
    how.time = may_be_silent ? std::min(core->options().probe_time, core->options().connect_time)
                             : core->options().connect_time;
    for (int tries = 1;; ++tries) {
        core->transport().speak(latest_modern);
        auto answer = co_await core->exchange(method, no_params, no_fields, how);
        if (!answer) {
            bool const is_silent = answer.error().code() == rejection_code::timed_out ||
                                   answer.error().reason() == "server_gone";
            if (!may_be_silent || !is_silent) co_return answer.error();
            break;
        }
        era_sign const sign = sign_in(*answer);
        if (sign == era_sign::again && tries == 1) continue;
        if (sign == era_sign::legacy && !only) break;
        auto const outcome = client_core::result_of(*answer);
        if (!outcome) co_return outcome.error();
        if (sign != era_sign::modern)
            co_return bad_answer("it speaks no revision that this client was told to speak");
        bj::object const* const meta = object_at(*outcome, "_meta");
        bj::object const* const own =
            meta != nullptr ? object_at(*meta, meta_key::server_info) : nullptr;
        note_server(core->facts, *outcome,
                    own != nullptr ? own : object_at(*outcome, "serverInfo"));
        core->facts.spoken = latest_modern;
        core->is_connected = true;
        ++core->session_number;
        co_return result<>{};
    }
    // A legacy server may have ended at a question that it did not know.
    auto const reopened = co_await core->transport().open(*core, until);
    if (!reopened) co_return reopened.error();
    co_return co_await initialize(core, latest_legacy, until);
}

} // namespace mcp_provider::mcp::detail
