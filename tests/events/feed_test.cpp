#include "mcp_provider/events/feed.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using events::topic;
using events::topics;

namespace {

void tell(events::feed& feed, std::string_view what, topic about = topic::request) {
    feed.publish(about, "request.begun", [&](events::members& to) { to.add("what", what); });
}

/// What a listener finds now, by the text of its member `what`.
std::vector<std::string> found(events::listener& one, std::size_t most = 1000) {
    std::vector<events::event_pointer> batch;
    (void)one.take(batch, most);
    std::vector<std::string> out;
    for (auto const& each : batch) {
        std::string const& text = each->rest();
        auto const at = text.find(R"("what":")") + 8;
        out.push_back(text.substr(at, text.find('"', at) - at));
    }
    return out;
}

events::feed_end state(events::listener& one) {
    std::vector<events::event_pointer> batch;
    return one.take(batch, 1'000'000);
}

using list = std::vector<std::string>;

} // namespace

TEST_CASE("an event is one line of JSON with its number first") {
    events::event one{topic::request, "request.begun", system_time{}};
    one.members().add("text", "a \"b\"\n").add("count", 3).add("yes", true).add("none", "");
    std::string line;
    one.append_to(line);
    CHECK(
        line ==
        R"({"type":"request.begun","time":"1970-01-01T00:00:00.000000Z","text":"a \"b\"\n","count":3,"yes":true})");
    one.number = 7;
    line.clear();
    one.append_to(line);
    CHECK(line.starts_with(R"({"seq":7,"type":"request.begun",)"));
    CHECK(one.type() == "request.begun");
}

TEST_CASE("a text that is too long is cut between two characters, and says so") {
    auto const cut = [](std::string_view text, std::size_t most) {
        std::string out;
        events::members{out}.add_cut("t", text, most);
        return out;
    };
    CHECK(cut("abcd", 4) == R"(,"t":"abcd")");
    CHECK(cut("abcde", 4) == R"(,"t":"abcd","cut":true)");
    CHECK(cut("abc\xC3\xA9", 4) == R"(,"t":"abc","cut":true)");
    CHECK(cut("abc\xC3\xA9", 5) == ",\"t\":\"abc\xC3\xA9\"");
}

TEST_CASE("a feed builds nothing while nobody listens") {
    events::feed feed;
    bool built = false;
    feed.publish(topic::agent, "agent.ready", [&](events::members&) { built = true; });
    CHECK(!built);
    CHECK(!feed.is_heard());
    CHECK(feed.kept_events() == 0);
}

TEST_CASE("a listener gets what is published from then on, in order, and what it has chosen") {
    events::feed feed;
    auto const all = feed.listen(topics::all());
    auto const some = feed.listen(topic::security);
    tell(feed, "one");
    tell(feed, "two", topic::security);
    tell(feed, "three");
    CHECK(found(*all, 2) == list{"one", "two"});
    CHECK(found(*all) == list{"three"});
    CHECK(found(*some) == list{"two"});
    CHECK(found(*some).empty());
}

TEST_CASE("a listener that is one event too slow is dropped, and one that is not is kept") {
    events::feed feed{events::feed_limits{.max_events = 3}};
    auto const slow = feed.listen(topics::all());
    for (auto const* what : {"one", "two", "three"}) tell(feed, what);
    auto const late = feed.listen(topics::all());
    CHECK(state(*late) == events::feed_end::none);
    CHECK(found(*slow) == list{"one", "two", "three"});

    for (auto const* what : {"four", "five", "six", "seven"}) tell(feed, what);
    CHECK(state(*slow) == events::feed_end::too_slow);
    CHECK(state(*slow) == events::feed_end::too_slow);
    CHECK(feed.kept_events() == 3);
    CHECK(feed.dropped() == 2);
}

TEST_CASE("the memory of a feed is bounded in bytes, too") {
    events::feed feed{events::feed_limits{.max_events = 1000, .max_bytes = 10'000}};
    auto const one = feed.listen(topics::all());
    for (int i = 0; i != 100; ++i) tell(feed, std::string(1000, 'x'));
    CHECK(feed.kept_bytes() <= 10'000);
    CHECK(feed.kept_events() >= 4);
    CHECK(state(*one) == events::feed_end::too_slow);
}

TEST_CASE("a listener that waits is woken once, and only for what it has chosen") {
    events::feed feed{events::feed_limits{.max_events = 3}};
    auto const one = feed.listen(topic::security);
    int woken = 0;
    CHECK(one->wait([&] { ++woken; }));
    for (auto const* what : {"a", "b", "c", "d", "e"}) tell(feed, what);
    CHECK(woken == 0);
    tell(feed, "wrong token", topic::security);
    tell(feed, "wrong token", topic::security);
    CHECK(woken == 1);
    CHECK(!one->wait([] {}));
    // What did not concern it has not counted against it.
    CHECK(found(*one).size() == 2);
    CHECK(one->wait([&] { ++woken; }));
    one->stop_waiting();
    tell(feed, "wrong token", topic::security);
    CHECK(woken == 1);
}

TEST_CASE("one that comes back has missed nothing") {
    events::feed feed{events::feed_limits{.max_events = 4}};
    auto first = feed.listen(topics::all());
    tell(feed, "one");
    auto const seen = feed.next_number() - 1;
    first.reset();
    tell(feed, "two");
    tell(feed, "three");
    auto const again = feed.listen(topics::all(), seen);
    CHECK(again->missed() == 0);
    CHECK(found(*again) == list{"two", "three"});
}

TEST_CASE("one that comes back too late is told that it has missed something") {
    events::feed feed{events::feed_limits{.max_events = 4}};
    auto first = feed.listen(topics::all());
    auto const keeper = feed.listen(topics::all());
    tell(feed, "one");
    auto const seen = feed.next_number() - 1;
    first.reset();
    for (auto const* what : {"2", "3", "4", "5", "6", "7"}) tell(feed, what);
    auto const again = feed.listen(topics::all(), seen);
    CHECK(again->missed() == 2);
    CHECK(found(*again) == list{"4", "5", "6", "7"});
}

TEST_CASE("a feed falls silent when nobody has come back for as long as it remembers") {
    events::feed feed{events::feed_limits{.max_events = 2}};
    auto first = feed.listen(topics::all());
    tell(feed, "one");
    auto const seen = feed.next_number() - 1;
    first.reset();
    tell(feed, "two");
    CHECK(feed.is_heard());
    tell(feed, "three");
    CHECK(!feed.is_heard());
    CHECK(feed.kept_events() == 0);
    CHECK(feed.kept_bytes() == 0);

    auto const again = feed.listen(topics::all(), seen);
    CHECK(again->missed() >= 1);
    tell(feed, "four");
    CHECK(found(*again) == list{"four"});
}

TEST_CASE("an id names one event of one run of a feed") {
    events::feed feed;
    auto const one = feed.listen(topics::all());
    std::string id;
    feed.append_id(id, 42);
    CHECK(feed.number_in(id) == 42);
    auto const last = feed.number_in("0-42");
    for (std::string const& foreign : {std::string{}, std::string{"42"}, id + "x", id.substr(1),
                                       id.substr(0, id.find('-') + 1), id.substr(0, 5)})
        CHECK(feed.number_in(foreign) == last);
    CHECK(feed.listen(topics::all(), last)->missed() == 1);
}

TEST_CASE("a feed takes as many listeners as it may, and lets a place go with its listener") {
    events::feed feed{events::feed_limits{.max_listeners = 2}};
    auto one = feed.listen(topics::all());
    auto const two = feed.listen(topics::all());
    CHECK(feed.listen(topics::all()) == nullptr);
    one.reset();
    CHECK(feed.listen(topics::all()) != nullptr);
}

TEST_CASE("a feed knows whether anybody is there who would hear") {
    events::feed feed;
    CHECK(!feed.has_listener(topic::permission));
    auto const other = feed.listen(topic::request);
    CHECK(!feed.has_listener(topic::permission));
    auto one = feed.listen(topics{topic::permission} | topic::agent);
    CHECK(feed.has_listener(topic::permission));
    one.reset();
    CHECK(!feed.has_listener(topic::permission));
}

TEST_CASE("closing a feed wakes its listeners, which get what there is first") {
    events::feed feed;
    auto const one = feed.listen(topics::all());
    bool woken = false;
    REQUIRE(one->wait([&] { woken = true; }));
    feed.close();
    CHECK(woken);
    CHECK(!one->wait([] {}));
    CHECK(state(*one) == events::feed_end::closed);
    CHECK(feed.listen(topics::all()) == nullptr);
}

TEST_CASE("many threads publish to listeners that come and go, and every number comes once") {
    events::feed feed{events::feed_limits{.max_events = 100'000, .max_bytes = 100'000'000}};
    constexpr int threads = 4;
    constexpr int each = 2000;
    auto const steady = feed.listen(topics::all());
    std::atomic<int> working{threads};
    std::vector<std::thread> publishers;
    for (int t = 0; t != threads; ++t)
        publishers.emplace_back([&] {
            for (int i = 0; i != each; ++i) tell(feed, "x");
            --working;
        });
    std::thread coming_and_going{[&] {
        while (working != 0) {
            auto const brief = feed.listen(topics::all());
            (void)brief->wait([] {});
        }
    }};

    std::vector<events::event_pointer> got;
    while (got.size() != std::size_t{threads} * each)
        if (steady->take(got, 64) != events::feed_end::none) break;
    for (auto& one : publishers) one.join();
    coming_and_going.join();
    REQUIRE(got.size() == std::size_t{threads} * each);
    bool in_order = true;
    for (std::size_t i = 1; i < got.size(); ++i)
        in_order = in_order && got[i]->number == got[i - 1]->number + 1;
    CHECK(in_order);
}
