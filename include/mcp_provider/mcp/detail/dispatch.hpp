// Finds what a request asks for, checks it, and has it answered.
#pragma once

#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/json/schema.hpp"
#include "mcp_provider/mcp/detail/answering.hpp"
#include "mcp_provider/mcp/detail/call_access.hpp"
#include "mcp_provider/mcp/server.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::mcp::detail {

/// The part of a server that transports talk to. A view of it, made where it is needed.
class dispatch {
public:
    explicit dispatch(server& owner) noexcept : server_{owner} {}

    /// Begins to answer a request that `call_access::set` has set up. When it returns the call may have ended; a handler
    /// that waits goes on in a coroutine of its own on `on`.
    void start(std::shared_ptr<call> const& one, boost::json::value const* params,
               asio::any_io_executor const& on) {
        call_access::set_bounds(*one, limits().answer_time, limits().max_questions);
        std::string_view const method = one->method();
        bool const modern = is_modern(one->from().spoken);
        auto const offered = server_.offered();
        if (method == "tools/call" && !offered->tools.empty())
            return call_tool(one, params, *offered, on);
        if (method == "tools/list" && !offered->tools.empty())
            return list(*one, params, offered->tools, "tools");
        bool const has_resources = !offered->resources.empty() || !offered->templates.empty();
        if (method == "resources/list" && has_resources)
            return list(*one, params, offered->resources, "resources");
        if (method == "resources/templates/list" && has_resources)
            return list(*one, params, offered->templates, "resourceTemplates");
        if (method == "resources/read" && has_resources)
            return read_resource(one, params, *offered, on);
        if (method == "prompts/list" && !offered->prompts.empty())
            return list(*one, params, offered->prompts, "prompts");
        if (method == "prompts/get" && !offered->prompts.empty())
            return get_prompt(one, params, *offered, on);
        if (method == "completion/complete" && !offered->completions.empty())
            return complete(one, params, *offered, on);
        if (modern && method == "server/discover") return discover(*one, *offered);
        if (modern && method == "subscriptions/listen") return listen(*one, params);
        if (!modern && method == "ping") return answers_.finish(*one, {});
        if (!modern && method == "logging/setLevel") return set_level(*one, params);
        if (!modern && has_resources && method == "resources/subscribe")
            return subscribe(*one, params, true);
        if (!modern && has_resources && method == "resources/unsubscribe")
            return subscribe(*one, params, false);
        call_access::fail(*one, rpc::method_not_found,
                          "there is no method " + std::string{method} + " here");
    }

    /// Reads the params of `initialize`. *Errors*: `bad_request`.
    [[nodiscard]] static result<client_facts> read_initialize(boost::json::value const* params,
                                                              std::string_view caller) {
        static boost::json::value const none(boost::json::object_kind);
        json::reading pass{params != nullptr ? *params : none};
        json::reader const in = pass.root();
        client_facts out;
        auto const asked = revision_of(in["protocolVersion"].text());
        out.spoken = asked && !is_modern(*asked) ? *asked : latest_legacy;
        out.can = client_capabilities::read(in["capabilities"]);
        out.is = implementation::read(in["clientInfo"]);
        out.caller = caller;
        if (auto read = pass.outcome(); !read) return std::move(read).error();
        return out;
    }
    void initialize(call& one) {
        std::string members = R"("protocolVersion":")";
        members += name_of(one.from().spoken);
        members += R"(","capabilities":)";
        append_capabilities(members, *server_.offered(), one.from().spoken);
        (members += R"(,"serverInfo":)") += server_.info_;
        append_text_member(members, "instructions", server_.instructions_);
        answers_.finish(one, members);
    }

    /// Takes a notification or an answer of a legacy client.
    static void take(session& of, rpc::message const& message) {
        if (message.is_answer()) {
            (void)of.answer(
                message); // late, repeated or unknown: nothing waits, so nothing is to be done
            return;
        }
        if (message.method() != "notifications/cancelled") return;
        auto const* const number = call_access::member(message.params(), "requestId");
        if (auto const found = of.find_call(rpc::detail::message_reader::to_id(number)))
            found->cancel();
    }

    [[nodiscard]] std::shared_ptr<tool_entry const> find_tool(std::string_view name) const {
        return server_.offered()->tools.find(name);
    }
    [[nodiscard]] session_table& sessions() const noexcept { return server_.sessions_; }
    [[nodiscard]] server_limits const& limits() const noexcept { return server_.limits_; }
    [[nodiscard]] mailbox::limits box_limits(bool keeps_read) const noexcept {
        mailbox::limits out;
        out.max_messages = limits().max_queued_messages;
        out.max_bytes = limits().max_queued_bytes;
        out.keeps_read = keeps_read;
        return out;
    }
    /// Lets a listener of no session hear of changes, while it lives.
    void add_listener(std::shared_ptr<listener> const& one) const {
        std::lock_guard const hold{server_.mutex_};
        std::erase_if(server_.listeners_, [](auto const& weak) { return weak.expired(); });
        server_.listeners_.push_back(one);
    }

    /// Null where there are `max_streams` already.
    [[nodiscard]] std::shared_ptr<slot> open_stream() const {
        return slot::take(server_.streams_, limits().max_streams);
    }

private:
    // --- methods

    template <class Entry>
    void list(call& one, boost::json::value const* params, list_of<Entry> const& entries,
              std::string_view what) const {
        auto const& all = entries.all();
        std::size_t at = 0;
        if (auto const* const cursor = call_access::member(params, "cursor")) {
            auto const* const text = cursor->if_string();
            auto const place = text != nullptr
                                   ? crypto::base64url_decode({text->data(), text->size()})
                                   : std::nullopt;
            char const* const end = place ? place->data() + place->size() : nullptr;
            auto const read = place ? std::from_chars(place->data(), end, at)
                                    : std::from_chars_result{nullptr, std::errc::invalid_argument};
            if (read.ec != std::errc{} || read.ptr != end || at == 0 || at >= all.size())
                return answering::refuse(one, "the cursor is none that this server gave");
        }
        std::string members = "\"";
        (members += what) += "\":[";
        std::size_t const page = std::max<std::size_t>(1, limits().page_size);
        std::size_t const end = at + std::min(page, all.size() - at);
        for (std::size_t i = at; i != end; ++i) {
            if (i != at) members += ',';
            all[i]->append_to(members, one.from().spoken);
        }
        members += ']';
        if (end != all.size())
            append_text_member(members, "nextCursor",
                               crypto::base64url_encode(std::to_string(end)));
        answers_.finish(one, members, true);
    }

    /// A member of the params that must be a text; refuses the call where it is none.
    [[nodiscard]] static std::optional<std::string_view>
    text_of(call& one, boost::json::value const* params, std::string_view name) {
        auto const* const found = call_access::member(params, name);
        auto const* const text = found != nullptr ? found->if_string() : nullptr;
        if (text != nullptr) return std::string_view{text->data(), text->size()};
        answering::refuse(one, std::string{name} + " must be a string");
        return std::nullopt;
    }
    /// Sets name and arguments; refuses arguments that are no object.
    [[nodiscard]] static bool set_target(call& one, std::string_view name,
                                         boost::json::value const* arguments) {
        if (arguments != nullptr && !arguments->is_object())
            return answering::refuse(one, "arguments must be an object"), false;
        call_access::set_target(one, name, arguments);
        return true;
    }

    void call_tool(std::shared_ptr<call> const& one, boost::json::value const* params,
                   catalogue const& offered, asio::any_io_executor const& on) const {
        auto const name = text_of(*one, params, "name");
        if (!name || !set_target(*one, *name, call_access::member(params, "arguments"))) return;
        auto entry = offered.tools.find(*name);
        if (entry == nullptr)
            return answering::refuse(*one, "there is no tool " + std::string{*name});
        if (auto const valid = json::validate(entry->schema, one->arguments()); !valid)
            return answers_.answer<tool_result>(
                *one, tool_result::failed("Invalid arguments: " + valid.error().message()));
        if (answers_.read_rounds(*one, params))
            answers_.run<tool_result>(one, std::move(entry), on);
    }

    void read_resource(std::shared_ptr<call> const& one, boost::json::value const* params,
                       catalogue const& offered, asio::any_io_executor const& on) const {
        auto const uri = text_of(*one, params, "uri");
        if (!uri || !set_target(*one, *uri, nullptr)) return;
        auto entry = offered.resources.find(*uri);
        if (entry == nullptr)
            for (auto const& candidate : offered.templates.all())
                if (auto found = match_uri(candidate->key(), *uri)) {
                    call_access::set_variables(*one, *std::move(found));
                    entry = candidate;
                    break;
                }
        if (entry == nullptr)
            return answering::refuse(
                *one, rejection{rejection_code::not_found, "there is no such resource"});
        if (answers_.read_rounds(*one, params))
            answers_.run<read_result>(one, std::move(entry), on);
    }

    void get_prompt(std::shared_ptr<call> const& one, boost::json::value const* params,
                    catalogue const& offered, asio::any_io_executor const& on) const {
        auto const name = text_of(*one, params, "name");
        if (!name || !set_target(*one, *name, call_access::member(params, "arguments"))) return;
        auto entry = offered.prompts.find(*name);
        if (entry == nullptr)
            return answering::refuse(*one, "there is no prompt " + std::string{*name});
        for (auto const& argument : entry->declared.arguments) {
            auto const* const given = call_access::member(&one->arguments(), argument.name);
            if (given == nullptr ? argument.required : !given->is_string())
                return answering::refuse(*one, "the prompt needs the argument " + argument.name +
                                                   ", a string");
        }
        if (answers_.read_rounds(*one, params))
            answers_.run<prompt_result>(one, std::move(entry), on);
    }

    void complete(std::shared_ptr<call> const& one, boost::json::value const* params,
                  catalogue const& offered, asio::any_io_executor const& on) const {
        auto const* const ref = call_access::member(params, "ref");
        auto const* const argument = call_access::member(params, "argument");
        auto const type = text_of(*one, ref, "type");
        if (!type) return;
        bool const of_prompt = *type == "ref/prompt";
        if (!of_prompt && *type != "ref/resource")
            return answering::refuse(*one, "ref.type must be ref/prompt or ref/resource");
        auto const of = text_of(*one, ref, of_prompt ? "name" : "uri");
        if (!of) return;
        auto const name = text_of(*one, argument, "name");
        if (!name || !text_of(*one, argument, "value")) return;
        if (!set_target(*one, *of, argument)) return;
        auto entry = offered.completions.find(completion_entry::key_of(*of, *name));
        if (entry != nullptr) return answers_.run<completion_result>(one, std::move(entry), on);
        bool const known = of_prompt ? offered.prompts.find(*of) != nullptr
                                     : offered.templates.find(*of) != nullptr;
        if (!known) return answering::refuse(*one, "ref names nothing that is here");
        answers_.answer<completion_result>(*one, completion_result{std::vector<std::string>{}});
    }

    void discover(call& one, catalogue const& offered) const {
        std::string members = R"("supportedVersions":[")";
        members += name_of(latest_modern);
        members += R"("],"capabilities":)";
        append_capabilities(members, offered, one.from().spoken);
        append_text_member(members, "instructions", server_.instructions_);
        answers_.finish(one, members, true);
    }
    static void append_capabilities(std::string& out, catalogue const& offered, revision spoken) {
        out += R"({"logging":{})";
        if (!offered.tools.empty()) out += R"(,"tools":{"listChanged":true})";
        if (!offered.resources.empty() || !offered.templates.empty())
            out += R"(,"resources":{"subscribe":true,"listChanged":true})";
        if (!offered.prompts.empty()) out += R"(,"prompts":{"listChanged":true})";
        if (!offered.completions.empty() && spoken >= revision::v2025_03_26)
            out += R"(,"completions":{})";
        out += '}';
    }

    /// Opens the stream of a modern listener; its call stays open until its client goes.
    void listen(call& one, boost::json::value const* params) const {
        auto const* const wanted = call_access::member(params, "notifications");
        if (wanted == nullptr || !wanted->is_object())
            return answering::refuse(one, "notifications must be an object");
        auto place = open_stream();
        if (place == nullptr)
            return call_access::fail(one, error_code::refused, "too many streams are open");
        auto const heard = std::make_shared<listener>(call_access::box(one));
        std::string accepted;
        auto const accept = [&](std::string_view name, std::atomic<bool>& flag) {
            auto const* const asked = call_access::member(wanted, name);
            if (asked == nullptr || *asked != true) return;
            flag = true;
            if (!accepted.empty()) accepted += ',';
            ((accepted += '"') += name) += "\":true";
        };
        accept("toolsListChanged", heard->tools);
        accept("promptsListChanged", heard->prompts);
        accept("resourcesListChanged", heard->resources);
        if (auto const* const uris = call_access::member(wanted, "resourceSubscriptions")) {
            if (!uris->is_array())
                return answering::refuse(one, "resourceSubscriptions must be an array");
            accepted +=
                accepted.empty() ? R"("resourceSubscriptions":[)" : R"(,"resourceSubscriptions":[)";
            for (auto const& uri : uris->get_array()) {
                auto const* const text = uri.if_string();
                if (text == nullptr ||
                    !heard->subscribe({text->data(), text->size()}, limits().max_subscriptions))
                    return answering::refuse(one, "resourceSubscriptions: too many, or no string");
                if (!accepted.ends_with('[')) accepted += ',';
                json::append_value(accepted, uri);
            }
            accepted += ']';
        }
        ((heard->meta = "\"") += meta_key::subscription) += "\":";
        one.id().append_to(heard->meta);
        std::string const own = R"({"resultType":"complete","_meta":{)" + heard->meta + "}}";
        rpc::append_result(heard->farewell, one.id(), own);
        heard->tell("notifications/subscriptions/acknowledged",
                    R"("notifications":{)" + accepted + "},");
        add_listener(heard);
        call_access::keep(
            one, std::make_shared<std::pair<std::shared_ptr<listener>, std::shared_ptr<slot>>>(
                     heard, std::move(place)));
    }

    void set_level(call& one, boost::json::value const* params) const {
        auto const name = text_of(one, params, "level");
        if (!name) return;
        auto const level = log_level_of(*name);
        if (!level) return answering::refuse(one, "level is none of the eight that there are");
        if (auto const& of = call_access::session_of(one)) of->least_logged = *level;
        answers_.finish(one, {});
    }
    void subscribe(call& one, boost::json::value const* params, bool on) const {
        auto const uri = text_of(one, params, "uri");
        if (!uri) return;
        if (auto const& of = call_access::session_of(one)) {
            std::string const address{*uri};
            if (!on)
                of->standing()->unsubscribe(address);
            else if (!of->standing()->subscribe(address, limits().max_subscriptions))
                return call_access::fail(one, error_code::refused, "too many subscriptions");
        }
        answers_.finish(one, {});
    }

    server& server_;
    answering answers_{server_};
};

} // namespace mcp_provider::mcp::detail
