#include "mcp_provider/pipeline/any_service.hpp"
#include "mcp_provider/pipeline/service.hpp"
#include "recording.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::testing;
using namespace std::chrono_literals;

namespace {

using calls = std::vector<std::string>;

http::response hello() { return http::response{200, "text/plain", "hello"}; }

/// Serves one request and returns the channel's side through `io`.
template <class Service>
void serve(Service const& one, testing::channel& io) {
    fake_request const asked{"POST", "/"};
    testing::run(one.serve(asked, io));
}

/// Serves one request that is cancelled as soon as nothing else happens, for the reason given.
template <class Service>
void serve_cancelled(Service const& one, testing::channel& io, end_cause why) {
    fake_request const asked{"POST", "/"};
    asio::io_context context{1};
    asio::cancellation_signal cancel;
    bool ended = false;
    asio::co_spawn(context, one.serve(asked, io),
                   asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr thrown) {
                       ended = true;
                       CHECK(!thrown);
                   }));
    context.poll();
    REQUIRE(!ended);
    io.cancel(why);
    cancel.emit(asio::cancellation_type::terminal);
    context.restart();
    context.poll();
    CHECK(ended);
}

struct refuses {
    static constexpr std::string_view name = "refuses";
    result<> on_request() const {
        return rejection{rejection_code::rate_limited, "slow down"}
            .come_again_in(7s)
            .with_field("x-limit", "3")
            .and_close();
    }
};

struct watched {
    explicit watched(std::shared_ptr<protocol> in) : into{std::move(in)} {}
    watched(watched&&) = default;
    watched& operator=(watched&&) = default;
    ~watched() {
        if (into) into->calls.push_back("fact gone");
    }
    std::shared_ptr<protocol> into;
};

struct provides_watched {
    static constexpr std::string_view name = "provides_watched";
    std::shared_ptr<protocol> into;
    result<watched> on_request() const { return watched{into}; }
    void on_complete(exchange const&, watched const* own) const noexcept {
        into->calls.push_back(own != nullptr ? "complete with fact" : "complete without fact");
    }
};

struct waits_for_ever {
    static constexpr std::string_view name = "waits_for_ever";
    asio::awaitable<result<>> on_request(http::request const&) const {
        co_await wait_for_ever();
        co_return result<>{};
    }
};

struct limits {
    static constexpr std::string_view name = "limits";
    result<time_limits> on_request() const {
        time_limits some;
        some.to_first_byte = 30s;
        some.between_bytes = 60s;
        return some;
    }
};

} // namespace

TEST_CASE("a service asks its policies in order, lets them respond and complete in reverse, and "
          "answers") {
    auto const log = std::make_shared<protocol>();
    auto const one = pipeline(keeps_end{log}, step<1>{log}, step<2>{log})
                         .handle([log](fact<1> const& first, fact<2> const& second) {
                             log->calls.push_back("handler " + std::to_string(first.number) +
                                                  std::to_string(second.number));
                             return hello();
                         });
    testing::channel io;

    serve(one, io);

    CHECK(log->calls == calls{"request one", "request two", "handler 12", "response two",
                              "response one", "complete two", "complete one"});
    CHECK(io.status() == 200);
    CHECK(io.text() == "hello");
    CHECK(log->endings == 1);
    CHECK(log->status == 200);
    CHECK(log->cause == end_cause::completed);
    CHECK(log->refused_by.empty());
    CHECK(log->admitted == 3);
    CHECK(log->response_bytes == testing::channel::head_bytes + 5);
    CHECK(log->times_are_in_order);
}

TEST_CASE("the first refusal wins: no later policy is asked, those that admitted respond, all "
          "complete once") {
    auto const log = std::make_shared<protocol>();
    auto const one = pipeline(keeps_end{log}, step<1>{log}, step<2>{log, act::refuse}, step<3>{log})
                         .handle([log] {
                             log->calls.push_back("handler");
                             return hello();
                         });
    testing::channel io;

    serve(one, io);

    CHECK(log->calls == calls{"request one", "request two", "response one",
                              "complete three without fact", "complete two without fact",
                              "complete one"});
    CHECK(io.status() == 403);
    CHECK(io.text() == "not past two\n");
    CHECK(log->endings == 1);
    CHECK(log->cause == end_cause::refused);
    CHECK(log->refused_by == "two");
    CHECK(log->admitted == 2);
}

TEST_CASE("a refusal carries its fields into the answer, is rendered by the dialect, and may close "
          "the connection") {
    auto const plainly = pipeline(refuses{}).handle(&hello);
    auto const in_dialect =
        pipeline(refuses{})
            .errors([](rejection const& why, http::request const& asked) {
                return http::response{why.status(), "text/plain",
                                      "dialect of " + std::string{asked.path()}};
            })
            .handle(&hello);
    testing::channel plain_io;
    testing::channel dialect_io;

    serve(plainly, plain_io);
    serve(in_dialect, dialect_io);

    CHECK(plain_io.status() == 429);
    CHECK(plain_io.fields().get("Retry-After") == "7");
    CHECK(plain_io.fields().get("x-limit") == "3");
    CHECK(plain_io.closes());
    CHECK(dialect_io.text() == "dialect of /");
    CHECK(dialect_io.fields().get("x-limit") == "3");
}

TEST_CASE("a handler may refuse, at once or after waiting") {
    auto const log = std::make_shared<protocol>();
    auto const refuse = []() -> result<http::response> {
        return rejection{rejection_code::not_found, "no such model"};
    };
    auto const wait_and_refuse = []() -> asio::awaitable<result<http::response>> {
        auto const executor = co_await asio::this_coro::executor;
        co_await asio::post(executor, asio::use_awaitable);
        co_return rejection{rejection_code::not_found, "no such model"};
    };
    testing::channel first;
    testing::channel second;

    serve(pipeline(keeps_end{log}, step<1>{log}).handle(refuse), first);
    serve(pipeline(keeps_end{log}, step<1>{log}).handle(wait_and_refuse), second);

    CHECK(first.status() == 404);
    CHECK(second.status() == 404);
    CHECK(second.fields().get("passed") == "one");
    CHECK(log->refused_by == "handler");
    CHECK(log->cause == end_cause::refused);
    CHECK(log->endings == 2);
}

TEST_CASE("what a handler throws is an internal error to the caller and a fault to the operator") {
    auto const log = std::make_shared<protocol>();
    auto const thrower = []() -> http::response {
        throw std::runtime_error{"disk /dev/sda7 is on fire"};
    };
    auto const odd_thrower = []() -> asio::awaitable<http::response> {
        throw 42;
        co_return http::response{200};
    };
    testing::channel io;
    testing::channel odd_io;

    serve(pipeline(keeps_end{log}, step<1>{log}).handle(thrower), io);
    CHECK(io.status() == 500);
    CHECK(io.text() == "internal error\n");
    CHECK(log->fault == "disk /dev/sda7 is on fire");
    CHECK(log->cause == end_cause::failed);
    CHECK(log->refused_by == "handler");
    CHECK(log->endings == 1);

    serve(pipeline(keeps_end{log}).handle(odd_thrower), odd_io);
    CHECK(odd_io.status() == 500);
    CHECK(log->fault == "an exception of an unknown type");
    CHECK(log->endings == 2);
}

TEST_CASE("an awaited hook provides its fact, and later policies wait for it") {
    auto const log = std::make_shared<protocol>();
    auto const one = pipeline(keeps_end{log}, step<1>{log}, waits{}, step<2>{log})
                         .handle([](fact<9> const& nine) {
                             return http::response{200, "text/plain", std::to_string(nine.number)};
                         });
    testing::channel io;

    serve(one, io);

    CHECK(io.text() == "9");
    CHECK(log->calls == calls{"request one", "request two", "response two", "response one",
                              "complete two", "complete one"});
}

TEST_CASE("an awaited hook may refuse or throw; then nothing behind it is asked") {
    for (act const what : {act::refuse, act::explode}) {
        auto const log = std::make_shared<protocol>();
        auto const one =
            pipeline(keeps_end{log}, step<1>{log}, waits{what}, step<2>{log}).handle(&hello);
        testing::channel io;

        serve(one, io);

        CHECK(io.status() == (what == act::refuse ? 503 : 500));
        CHECK(log->refused_by == "waits");
        CHECK(log->fault == (what == act::refuse ? "" : "the directory is gone"));
        CHECK(log->calls ==
              calls{"request one", "response one", "complete two without fact", "complete one"});
        CHECK(log->endings == 1);
        CHECK(log->admitted == 2);
    }
}

TEST_CASE("a body is read once, before the first policy that needs it, and not where nobody does") {
    auto const log = std::make_shared<protocol>();
    testing::channel needed{"payload"};
    serve(pipeline(keeps_end{log}, step<1>{log}, reads_body{log}, reads_body{log})
              .handle([log](http::body const& body) {
                  log->calls.push_back("handler " + std::string{body.text});
                  return hello();
              }),
          needed);
    CHECK(needed.reads() == 1);
    CHECK(log->calls == calls{"request one", "body payload", "body payload", "handler payload",
                              "response one", "complete one"});
    CHECK(log->request_bytes == 7);

    testing::channel needless{"payload"};
    serve(pipeline(keeps_end{log}, step<1>{log}).handle(&hello), needless);
    CHECK(needless.reads() == 0);
    CHECK(log->request_bytes == 0);
}

TEST_CASE("a refusal before the body is needed leaves the body unread") {
    auto const log = std::make_shared<protocol>();
    testing::channel io{"payload"};

    serve(pipeline(step<1>{log, act::refuse}, reads_body{log}).handle(&hello), io);

    CHECK(io.status() == 403);
    CHECK(io.reads() == 0);
}

TEST_CASE("a body that is there is not waited for, and one that breaks is the refusal of whom it "
          "was read for") {
    auto const log = std::make_shared<protocol>();
    testing::channel here{"payload"};
    here.receive();
    serve(pipeline(reads_body{log}).handle(&hello), here);
    CHECK(here.reads() == 0);
    CHECK(log->calls == calls{"body payload"});

    testing::channel broken{"payload"};
    broken.body_breaks(rejection{rejection_code::too_large, "too much"});
    serve(pipeline(keeps_end{log}, reads_body{log}).handle(&hello), broken);
    CHECK(broken.status() == 413);
    CHECK(log->refused_by == "reads_body");

    testing::channel for_handler{"payload"};
    for_handler.body_breaks(rejection{rejection_code::request_timeout, "too slow"});
    serve(pipeline(keeps_end{log}).handle([](http::body const&) { return hello(); }), for_handler);
    CHECK(for_handler.status() == 408);
    CHECK(log->refused_by == "handler");
}

TEST_CASE("a stream is delivered to its end, and its facts live until then") {
    auto const log = std::make_shared<protocol>();
    testing::channel io;

    serve(pipeline(keeps_end{log}, provides_watched{log}).handle([](watched const&) {
        return streamed({"a", "b", "c"});
    }),
          io);

    CHECK(io.text() == "abc");
    CHECK(log->calls == calls{"complete with fact", "fact gone"});
    CHECK(log->cause == end_cause::completed);
    CHECK(log->response_bytes == testing::channel::head_bytes + 3);
}

TEST_CASE("a stream that refuses before its first byte becomes another response, with the fields "
          "of the policies") {
    auto const log = std::make_shared<protocol>();
    testing::channel io;

    serve(pipeline(keeps_end{log}, step<1>{log}).handle([] {
        return streamed({}, pieces::ending::refusal);
    }),
          io);

    CHECK(io.status() == 502);
    CHECK(io.text() == "the agent failed\n");
    CHECK(io.fields().get("passed") == "one");
    CHECK(io.deliveries() == 2);
    CHECK(log->status == 502);
    CHECK(log->cause == end_cause::refused);
    CHECK(log->endings == 1);
}

TEST_CASE("a stream that breaks after its first byte ends with the dialect's verdict, and is "
          "recorded as failed") {
    for (auto const how : {pieces::ending::refusal, pieces::ending::exception}) {
        auto const log = std::make_shared<protocol>();
        testing::channel io;

        serve(pipeline(keeps_end{log}).handle([how] { return streamed({"a"}, how); }), io);

        bool const threw = how == pieces::ending::exception;
        CHECK(io.status() == 200);
        CHECK(io.text() == (threw ? "a[internal error]" : "a[the agent failed]"));
        CHECK(io.deliveries() == 1);
        CHECK(log->status == 200);
        CHECK(log->cause == end_cause::failed);
        CHECK(log->refusal == (threw ? "internal error" : "the agent failed"));
        CHECK(log->fault == (threw ? "the agent broke" : ""));
        CHECK(log->endings == 1);
    }
}

TEST_CASE("a client that leaves in the middle of a stream is recorded as gone, once") {
    auto const log = std::make_shared<protocol>();
    testing::channel io;
    io.client_leaves_after(2);

    serve(pipeline(keeps_end{log}, step<1>{log}).handle([] {
        return streamed({"a", "b", "c"}, pieces::ending::never);
    }),
          io);

    CHECK(log->cause == end_cause::client_gone);
    CHECK(log->status == 200);
    CHECK(log->response_bytes == testing::channel::head_bytes + 2);
    CHECK(log->endings == 1);
}

TEST_CASE("a handler that is cancelled is answered by the reason, and not at all when the client "
          "has gone") {
    auto const slow = []() -> asio::awaitable<http::response> {
        co_await wait_for_ever();
        co_return http::response{200};
    };
    struct expected {
        end_cause why;
        std::uint16_t sent;
        std::uint16_t recorded;
    };
    for (auto const& [why, sent, recorded] :
         {expected{end_cause::timed_out, 504, 504}, expected{end_cause::revoked, 401, 401},
          expected{end_cause::drained, 503, 503}, expected{end_cause::client_gone, 0, 499}}) {
        auto const log = std::make_shared<protocol>();
        testing::channel io;

        serve_cancelled(pipeline(keeps_end{log}, step<1>{log}).handle(slow), io, why);

        CHECK(io.status() == sent);
        CHECK(log->status == recorded);
        CHECK(log->cause == why);
        CHECK(log->endings == 1);
        CHECK(log->fault.empty());
    }
}

TEST_CASE("an awaited hook that is cancelled ends the exchange") {
    auto const log = std::make_shared<protocol>();
    testing::channel io;

    serve_cancelled(pipeline(keeps_end{log}, waits_for_ever{}, step<1>{log}).handle(&hello), io,
                    end_cause::client_gone);

    CHECK(log->calls == calls{"complete one without fact"});
    CHECK(log->cause == end_cause::client_gone);
    CHECK(log->status == 499);
    CHECK(log->refused_by == "waits_for_ever");
}

TEST_CASE(
    "an exchange whose frame is destroyed, in the handler or in the stream, completes as drained") {
    auto const slow = []() -> asio::awaitable<http::response> {
        co_await wait_for_ever();
        co_return http::response{200};
    };
    auto const endless = [] { return streamed({"a"}, pieces::ending::never); };
    auto const destroy = [](auto const& one) {
        fake_request const asked;
        testing::channel io;
        asio::io_context context{1};
        asio::co_spawn(context, one.serve(asked, io), asio::detached);
        context.poll();
        // The context goes before the channel, and takes the waiting coroutine with it.
    };
    auto const log = std::make_shared<protocol>();

    destroy(pipeline(keeps_end{log}, step<1>{log}).handle(slow));
    CHECK(log->endings == 1);
    CHECK(log->cause == end_cause::drained);
    CHECK(log->status == 503);
    CHECK(log->calls == calls{"request one", "complete one"});

    destroy(pipeline(keeps_end{log}).handle(endless));
    CHECK(log->endings == 2);
    CHECK(log->cause == end_cause::drained);
}

TEST_CASE("the service hands the fact time_limits to the connection") {
    testing::channel io;

    serve(pipeline(limits{}).handle(&hello), io);

    REQUIRE(io.limits());
    CHECK(io.limits()->to_first_byte == 30s);
    CHECK(io.limits()->between_bytes == 60s);
}

TEST_CASE("any_service serves as the service does that it was made from, and its copies do too") {
    auto const log = std::make_shared<protocol>();
    any_service const one{pipeline(keeps_end{log}).handle(&hello)};
    any_service const copy =
        one; // NOLINT(performance-unnecessary-copy-initialization): the copy is the point
    testing::channel io;

    serve(copy, io);
    testing::channel again;
    serve(one, again);

    CHECK(io.text() == "hello");
    CHECK(log->endings == 2);
}

TEST_CASE("a pipeline without policies is its handler") {
    testing::channel io;

    serve(pipeline().handle(&hello), io);

    CHECK(io.text() == "hello");
}
