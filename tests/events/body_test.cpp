#include "mcp_provider/events/body.hpp"
#include "mcp_provider/testing/run.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using events::topic;
using events::topics;

namespace {

void tell(events::feed& feed, std::string_view what) {
    feed.publish(topic::agent, "agent.state", [&](events::members& to) { to.add("what", what); });
}

struct shown {
    std::string name;
    std::string id;
    boost::json::object data;
};

std::vector<shown> parsed(std::string_view text) {
    http::event_stream_parser parser;
    std::vector<shown> out;
    while (auto const one = parser.next(text)) {
        if (!*one) break;
        out.push_back({std::string{(*one)->name}, std::string{(*one)->id},
                       boost::json::parse(std::string{(*one)->data}).as_object()});
    }
    return out;
}

asio::awaitable<void> pull(events::body& from, std::string& out, std::size_t times) {
    for (; times != 0; --times) {
        auto const step = co_await from.next(out);
        if (!step || *step == http::stream_step::end) co_return;
    }
}

asio::awaitable<void> own(std::unique_ptr<events::body> one) {
    std::string out;
    co_await pull(*one, out, 100);
}

/// Pulls on one context, as a connection does.
class puller {
public:
    /// The context must outlive the body, as a worker's outlives its connections.
    puller(asio::io_context& on, events::body& from) : from_{from}, context_{on} {}
    ~puller() { cancel_.emit(asio::cancellation_type::terminal); }

    /// What so many pulls give; the stream's end ends them. Cancelled after a while where it is said.
    std::string operator()(std::size_t times,
                           std::optional<std::chrono::milliseconds> cancel_after = std::nullopt) {
        std::string out;
        bool ended = false;
        auto const note_end = [&](std::exception_ptr thrown) {
            ended = true;
            failed_ = thrown != nullptr;
        };
        asio::co_spawn(context_, pull(from_, out, times),
                       asio::bind_cancellation_slot(cancel_.slot(), note_end));
        context_.restart();
        if (cancel_after) {
            context_.run_for(*cancel_after);
            cancel_.emit(asio::cancellation_type::terminal);
        }
        context_.run_for(testing::patience);
        REQUIRE(ended);
        return out;
    }
    [[nodiscard]] bool failed() const noexcept { return failed_; }

private:
    events::body& from_;
    asio::io_context& context_;
    asio::cancellation_signal cancel_;
    bool failed_ = false;
};

} // namespace

TEST_CASE("a feed is served as events with a name, an id and a line of JSON") {
    events::feed feed;
    asio::io_context context{1};
    events::body body{feed, feed.listen(topics::all())};
    puller pull{context, body};
    tell(feed, "started");
    tell(feed, "ready");

    std::string const text = pull(2);

    CHECK(text.starts_with("retry: 2000\nevent: feed.opened\ndata: {"));
    auto const events = parsed(text);
    REQUIRE(events.size() == 3);
    CHECK(events[0].id.empty());
    CHECK(events[1].name == "agent.state");
    CHECK(events[1].data.at("type") == "agent.state");
    CHECK(events[1].data.at("what") == "started");
    CHECK(feed.number_in(events[1].id) ==
          static_cast<std::uint64_t>(events[1].data.at("seq").as_int64()));
    CHECK(events[2].data.at("what") == "ready");
    CHECK(!events[0].data.contains("missed_at_least"));
    // The first event names the place from which one that has seen nothing yet can go on.
    CHECK(feed.number_in(events[0].data.at("last_event_id").as_string()) ==
          feed.number_in(events[2].id));
}

TEST_CASE("one that comes back is told what it has missed") {
    events::feed feed{events::feed_limits{.max_events = 1}};
    auto const keeper = feed.listen(topics::all());
    tell(feed, "1");
    tell(feed, "2");
    tell(feed, "3");
    asio::io_context context{1};
    events::body body{feed, feed.listen(topics::all(), 1)};
    puller pull{context, body};
    auto const events = parsed(pull(2));
    REQUIRE(events.size() == 2);
    CHECK(events[0].data.at("missed_at_least") == 1);
    CHECK(events[1].data.at("what") == "3");
}

TEST_CASE("a listener that was too slow gets a notice as its last event") {
    events::feed feed{events::feed_limits{.max_events = 2}};
    asio::io_context context{1};
    events::body body{feed, feed.listen(topics::all())};
    puller pull{context, body};
    for (auto const* what : {"1", "2", "3"}) tell(feed, what);
    auto const events = parsed(pull(10));
    REQUIRE(events.size() == 2);
    CHECK(events[1].name == "feed.dropped");
    CHECK(events[1].id.empty());
}

TEST_CASE("a closed feed ends its streams with a notice, after what there was to read") {
    events::feed feed;
    asio::io_context context{1};
    events::body body{feed, feed.listen(topics::all())};
    puller pull{context, body};
    tell(feed, "last");
    feed.close();
    auto const events = parsed(pull(10));
    REQUIRE(events.size() == 3);
    CHECK(events[1].data.at("what") == "last");
    CHECK(events[2].name == "feed.closed");
}

TEST_CASE("a listener that may no longer listen gets no more, and is told why") {
    events::feed feed;
    bool allowed = true;
    asio::io_context context{1};
    events::body body{feed, feed.listen(topics::all()),
                      [&]() -> std::string_view { return allowed ? "" : "the key was revoked"; }};
    puller pull{context, body};
    tell(feed, "seen");
    CHECK(parsed(pull(2)).size() == 2);
    allowed = false;
    tell(feed, "unseen");
    auto const events = parsed(pull(10));
    REQUIRE(events.size() == 1);
    CHECK(events[0].name == "feed.closed");
    CHECK(events[0].data.at("reason") == "the key was revoked");
}

TEST_CASE("a waiting stream is woken by another thread, and ends when it is cancelled") {
    events::feed feed;
    asio::io_context context{1};
    events::body body{feed, feed.listen(topics::all())};
    puller pull{context, body};
    (void)pull(1);
    std::thread teller{[&] { tell(feed, "from elsewhere"); }};
    std::string const out = pull(1);
    teller.join();
    CHECK(out.find("from elsewhere") != std::string::npos);

    auto const before = std::chrono::steady_clock::now();
    CHECK(pull(1, std::chrono::milliseconds{20}).empty());
    CHECK(pull.failed());
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::milliseconds{500});
    tell(feed, "nobody waits");
}

TEST_CASE("a broken stream says why, and a heartbeat is a comment") {
    events::feed feed;
    events::body body{feed, feed.listen(topics::all())};
    std::string out;
    body.heartbeat(out);
    CHECK(out == ":\n\n");
    out.clear();
    body.fail(rejection{rejection_code::overloaded, "the server is shutting down"}, out);
    CHECK(parsed(out).at(0).data.at("reason") == "the server is shutting down");
}

TEST_CASE("a stream goes with its context, and its publisher does not notice") {
    events::feed feed;
    {
        asio::io_context context{1};
        asio::co_spawn(context,
                       own(std::make_unique<events::body>(feed, feed.listen(topics::all()))),
                       asio::detached);
        context.run_for(std::chrono::milliseconds{5});
        tell(feed, "on its way when the context goes");
    }
    tell(feed, "nobody there");
    CHECK(feed.listeners() == 0);
}
