// Writes the answers of calls, in the words of their clients' revisions, and runs the handlers that give them.
#pragma once

#include "mcp_provider/mcp/detail/call_access.hpp"
#include "mcp_provider/mcp/server.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mcp_provider::mcp::detail {

/// One of a bounded number, as long as it lives.
class slot {
public:
    explicit slot(std::atomic<std::size_t>& of) noexcept : of_{of} { ++of_; }
    slot(slot const&) = delete;
    slot& operator=(slot const&) = delete;
    ~slot() { --of_; }

    /// Null where there are `most` already.
    [[nodiscard]] static std::shared_ptr<slot> take(std::atomic<std::size_t>& of,
                                                    std::size_t most) {
        auto one = std::make_shared<slot>(of);
        return of <= most ? one : nullptr;
    }

private:
    std::atomic<std::size_t>& of_;
};

/// A view of a server, made where it is needed.
class answering {
public:
    explicit answering(server& owner) noexcept : server_{owner} {}

    void finish(call& one, std::string_view members, bool cacheable = false,
                std::string_view meta = {}) const {
        std::string out = "{";
        out += members;
        auto const separate = [&out] {
            if (out.size() != 1) out += ',';
        };
        if (is_modern(one.from().spoken)) {
            separate();
            out += R"("resultType":"complete")";
            if (cacheable) out += R"(,"ttlMs":0,"cacheScope":"private")";
            append_meta(out, meta);
        } else if (!meta.empty()) {
            separate();
            (out += R"("_meta":)") += meta;
        }
        out += '}';
        call_access::finish(one, out);
    }
    static void refuse(call& one, rejection const& why) {
        if (is_modern(one.from().spoken) && why.reason() == "missing_capability")
            return call_access::fail(one, error_code::missing_capability, why.message(),
                                     R"({"requiredCapabilities":)" + why.where() + '}');
        std::string data;
        if (why.code() == rejection_code::not_found && one.method() == "resources/read") {
            data = R"({"uri":)";
            json::append_quoted(data, one.name());
            data += '}';
        }
        bool const theirs =
            why.code() == rejection_code::bad_request || why.code() == rejection_code::not_found;
        call_access::fail(one, theirs ? rpc::invalid_params : rpc::internal_error, why.message(),
                          data);
    }
    static void refuse(call& one, std::string_view why) {
        call_access::fail(one, rpc::invalid_params, why);
    }

    template <class T>
    void answer(call& one, result<T> const& got) const {
        if (got) {
            std::string members;
            got->append_members(members, one.from().spoken);
            return finish(one, members, std::is_same_v<T, read_result>, got->meta());
        }
        bool const is_protocol =
            is_modern(one.from().spoken) && got.error().reason() == "missing_capability";
        if constexpr (std::is_same_v<T, tool_result>)
            if (!is_protocol) return answer<T>(one, tool_result::failed(got.error().message()));
        refuse(one, got.error());
    }

    /// Reads the answers that the client brings, and those of earlier rounds. Returns false when the call was refused.
    [[nodiscard]] bool read_rounds(call& one, boost::json::value const* params) const {
        if (!is_modern(one.from().spoken)) return true;
        answers given;
        std::string kept;
        if (auto const* const state = call_access::member(params, "requestState")) {
            auto const* const text = state->if_string();
            if (text == nullptr) return refuse(one, "requestState must be a string"), false;
            auto const payload = server_.seal_.open({text->data(), text->size()}, binding_of(one),
                                                    std::chrono::system_clock::now());
            if (!payload) return refuse(one, payload.error().message()), false;
            auto const document = json::parse(*payload);
            if (!document) return refuse(one, "requestState is not valid"), false;
            if (auto const* const found = call_access::member(&*document, "k"))
                kept.assign(found->get_string().data(), found->get_string().size());
            add_answers(given, call_access::member(&*document, "a"));
        }
        auto const* const brought = call_access::member(params, "inputResponses");
        if (brought != nullptr && !brought->is_object())
            return refuse(one, "inputResponses must be an object"), false;
        add_answers(given, brought);
        call_access::set_rounds(one, std::move(given), std::move(kept));
        return true;
    }
    template <class T, class Entry>
    void run(std::shared_ptr<call> const& one, std::shared_ptr<Entry const> entry,
             asio::any_io_executor const& on) const {
        if (!entry->run.waits()) {
            try {
                answer<T>(*one, entry->run.now(*one));
            } catch (...) {
                broke_off<T>(*one, std::current_exception());
            }
            return;
        }
        auto counted = slot::take(server_.calls_, limits().max_calls);
        if (counted == nullptr)
            return call_access::fail(*one, error_code::refused, "too many calls are in progress");
        call_access::spawn(one, on, limits().call_time,
                           wait_for<T, Entry>(*this, one, std::move(entry), std::move(counted)));
    }
    [[nodiscard]] server_limits const& limits() const noexcept { return server_.limits_; }

private:
    void append_meta(std::string& out, std::string_view meta) const {
        ((out += R"(,"_meta":{")") += meta_key::server_info) += "\":";
        out += server_.info_;
        if (meta.size() > 2) (out += ',') += meta.substr(1, meta.size() - 2);
        out += '}';
    }

    [[nodiscard]] static std::string binding_of(call const& one) {
        std::string out{one.method()};
        for (std::string_view const part : {std::string_view{one.from().caller}, one.name()})
            (out += '\n') += part;
        out += '\n';
        json::append_value(out, one.arguments());
        return out;
    }

    static void add_answers(answers& to, boost::json::value const* from) {
        if (from == nullptr) return;
        for (auto const& member : from->get_object())
            to.insert_or_assign(std::string{member.key().data(), member.key().size()},
                                boost::json::value(member.value(), boost::json::storage_ptr{}));
    }

    void require_input(call& one, std::vector<question> const& open) const {
        std::string payload = R"({"a":{)";
        for (auto const& [key, answer] : call_access::given(one)) {
            if (!payload.ends_with('{')) payload += ',';
            json::append_quoted(payload, key);
            payload += ':';
            json::append_value(payload, answer);
        }
        payload += R"(},"k":)";
        json::append_quoted(payload, one.kept());
        payload += '}';
        auto const until = std::chrono::system_clock::now() + limits().state_time;
        std::string const state = server_.seal_.seal(payload, binding_of(one), until);
        if (open.size() > limits().max_questions || state.size() > limits().max_state_bytes)
            return call_access::fail(one, rpc::internal_error,
                                     "the handler asks for more than one request can carry");
        std::string out = R"({"resultType":"input_required","inputRequests":{)";
        for (question const& asked : open) {
            if (!out.ends_with('{')) out += ',';
            json::append_quoted(out, asked.key());
            ((out += R"(:{"method":")") += asked.method()) += R"(","params":)";
            (out += asked.params()) += '}';
        }
        out += R"(},"requestState":)";
        json::append_quoted(out, state);
        append_meta(out, {});
        out += '}';
        call_access::finish(one, out);
    }

    template <class T, class Entry>
    static asio::awaitable<void> wait_for(answering self, std::shared_ptr<call> one,
                                          std::shared_ptr<Entry const> entry,
                                          std::shared_ptr<slot> /*counted*/) {
        std::exception_ptr thrown;
        try {
            result<T> got = co_await entry->run.later(*one);
            self.answer<T>(*one, got);
        } catch (...) {
            thrown = std::current_exception();
        }
        if (thrown) self.broke_off<T>(*one, thrown);
    }

    template <class T>
    void broke_off(call& one, std::exception_ptr const& thrown) const {
        if (call_access::timed_out(one))
            return answer<T>(one, rejection{rejection_code::timed_out, "it took too long"});
        try {
            std::rethrow_exception(thrown);
        } catch (input_required const& asked) {
            return require_input(one, asked.questions);
        } catch (std::exception const& fault) {
            if (!one.cancelled() && server_.report_) server_.report_(one.name(), fault.what());
        } catch (...) {
            if (!one.cancelled() && server_.report_)
                server_.report_(one.name(), "an exception of an unknown type");
        }
        call_access::fail(one, rpc::internal_error, "internal error");
    }

    server& server_;
};

} // namespace mcp_provider::mcp::detail
