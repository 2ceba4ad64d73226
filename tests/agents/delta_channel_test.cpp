#include "agents/delta_channel.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using server::agents::delta_channel;

agent::delta text(std::string_view words) {
    agent::delta out;
    out.what = agent::delta::kind::text;
    out.text = words;
    return out;
}

agent::delta finished() {
    agent::delta out;
    out.what = agent::delta::kind::finished;
    return out;
}

/// Both ends of a channel, on two contexts that a test runs as it likes.
class crossing {
public:
    crossing()
        : channel{std::make_shared<delta_channel>(
              producer.get_executor(), [this] { ++rooms; }, [this] { ++abandonments; })},
          stream{channel->stream()} {}

    /// Reads to the end, or to a cancellation; notes what came.
    void begin() {
        asio::co_spawn(consumer, read(),
                       asio::bind_cancellation_slot(
                           stop.slot(), [this](std::exception_ptr) { returned = true; }));
    }
    /// Lets both sides do all that there is to do.
    void settle() {
        consumer.restart();
        producer.restart();
        while (consumer.poll() + producer.poll() != 0) {
        }
    }

    asio::io_context producer;
    asio::io_context consumer;
    int rooms = 0;
    int abandonments = 0;
    std::shared_ptr<delta_channel> channel;
    std::unique_ptr<agent::delta_stream> stream;
    asio::cancellation_signal stop;
    std::vector<std::string> seen;
    bool returned = false;

private:
    asio::awaitable<void> read() {
        while (true) {
            result<agent::delta> piece = co_await stream->next();
            if (!piece) {
                seen.push_back("refused: " + piece.error().message());
                co_return;
            }
            if (piece->what == agent::delta::kind::finished) {
                seen.emplace_back("finished");
                co_return;
            }
            std::string one{piece->text};
            if (!piece->name.empty())
                one += '|' + std::string{piece->id} + '|' + std::string{piece->name};
            seen.push_back(std::move(one));
        }
    }
};

} // namespace

TEST_CASE("deltas arrive in order, each as it was pushed, whether the reader waits or not") {
    crossing test;
    agent::delta call;
    call.what = agent::delta::kind::tool_call;
    call.id = "c1";
    call.name = "look";
    call.text = "{}";

    test.channel->push(text("a"));
    test.begin();
    test.settle();
    test.channel->push(call);
    test.settle();
    test.channel->push(text("b"));
    test.channel->push(finished());
    test.settle();

    CHECK(test.seen == std::vector<std::string>{"a", "{}|c1|look", "b", "finished"});
    CHECK(test.abandonments == 0);
}

TEST_CASE("a failure comes behind what was said before it, and nothing after it") {
    crossing test;
    test.channel->push(text("a"));
    test.channel->fail(rejection{rejection_code::upstream_failed, "broke"});
    test.channel->push(text("late"));
    test.channel->fail(rejection{rejection_code::upstream_failed, "again"});
    test.begin();
    test.settle();

    CHECK(test.seen == std::vector<std::string>{"a", "refused: broke"});
    CHECK(test.channel->closed());
}

TEST_CASE("a reader that leaves before the end tells the producer, once") {
    crossing test;
    test.channel->push(text("a"));
    test.stream.reset();
    test.settle();
    CHECK(test.abandonments == 1);
    CHECK(test.channel->closed());

    crossing ended;
    ended.channel->push(finished());
    ended.begin();
    ended.settle();
    ended.stream.reset();
    ended.settle();
    CHECK(ended.abandonments == 0);
}

TEST_CASE("a cancelled wait ends with a refusal") {
    crossing test;
    test.begin();
    test.settle();
    test.stop.emit(asio::cancellation_type::terminal);
    test.settle();
    CHECK(test.returned);
    CHECK(test.seen == std::vector<std::string>{"refused: the answer was cancelled"});
}

TEST_CASE("there is room until enough bytes wait, and the producer is told when there is again") {
    crossing test;
    while (test.channel->has_room()) test.channel->push(text(std::string(1000, 'x')));
    test.settle();
    CHECK(test.rooms == 0);

    test.begin();
    test.settle();

    CHECK(test.rooms == 1);
    CHECK(test.seen.size() <= delta_channel::enough_bytes / 1000 + 1);
    CHECK(test.channel->has_room());
}

TEST_CASE("a producer that has gone is called no more") {
    crossing test;
    test.channel->forget_producer();
    test.stream.reset();
    test.settle();
    CHECK(test.abandonments == 0);
}

TEST_CASE("nothing is lost between two threads") {
    crossing test;
    constexpr int pieces = 20'000;
    auto busy = asio::make_work_guard(test.consumer);
    test.begin();
    std::thread reader{[&] { test.consumer.run(); }};
    for (int i = 0; i != pieces; ++i) test.channel->push(text(std::to_string(i)));
    test.channel->push(finished());
    busy.reset();
    reader.join();

    REQUIRE(test.seen.size() == pieces + 1);
    for (int i = 0; i != pieces; ++i)
        if (test.seen[static_cast<std::size_t>(i)] != std::to_string(i))
            FAIL("out of order at " << i);
}
