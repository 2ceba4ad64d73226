#include "agents/prompt_queue.hpp"
#include "mcp_provider/testing/manual_clock.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::agents;
using namespace std::chrono_literals;
using mcp_provider::agent::finish_reason;

namespace {

/// What a client got.
class client final : public answer_sink {
public:
    void opened() override { ++openings; }
    bool text(std::string_view piece) override {
        said += piece;
        return stop.empty() || said.find(stop) == std::string::npos;
    }
    void finished(finish_reason why) override {
        ++ends;
        reason = why;
    }
    void failed(rejection why) override {
        ++ends;
        failure.emplace(std::move(why));
    }

    std::string said;
    std::string stop;
    int openings = 0;
    int ends = 0;
    std::optional<finish_reason> reason;
    std::optional<rejection> failure;
};

struct house {
    explicit house(prompt_limits limits = {}) : queue{limits} {}

    std::shared_ptr<client> ask(std::string text, bool streamed = true) {
        auto one = std::make_shared<client>();
        auto const number = queue.add(std::move(text), streamed, one, clock.steady());
        REQUIRE(number);
        numbers[one.get()] = *number;
        return one;
    }
    void leave(std::shared_ptr<client> const& one) { queue.withdraw(numbers.at(one.get())); }

    /// A host that asks once, without waiting.
    std::optional<given_prompt> fetch() {
        auto const place = queue.wait([] {}, clock.steady());
        return place->take();
    }
    void pass(std::chrono::milliseconds time) {
        clock.advance(time);
        queue.expire(clock.steady());
    }
    delivery_verdict append(std::string const& id, std::string_view text) {
        return queue.append(id, text, clock.steady());
    }
    delivery_verdict submit(std::string const& id, std::string_view text = {}) {
        return queue.submit(id, text, finish_reason::stop);
    }

    testing::manual_clock clock;
    prompt_queue queue;
    std::map<client*, std::uint64_t> numbers;
};

} // namespace

TEST_CASE("a prompt is given to a host, whose pieces reach the client at once and in order") {
    house one;
    auto const asker = one.ask("hello");
    CHECK(asker->openings == 0);

    auto const given = one.fetch();
    REQUIRE(given);
    CHECK(*given->text == "hello");
    CHECK(given->time_left == 60s);
    CHECK(asker->openings == 1);
    CHECK(one.append(given->id, "Hel") == delivery_verdict::accepted);
    CHECK(asker->said == "Hel");
    CHECK(one.queue.submit(given->id, "lo", finish_reason::length) == delivery_verdict::accepted);
    CHECK(asker->said == "Hello");
    CHECK(asker->reason == finish_reason::length);
    CHECK(asker->ends == 1);
    CHECK(one.queue.prompts() == 0);
    CHECK(!one.fetch());
}

TEST_CASE("a host that answers twice, or what nobody asked, is told which") {
    house one;
    auto const asker = one.ask("hello");
    auto const id = one.fetch()->id;
    CHECK(one.submit(id, "once") == delivery_verdict::accepted);
    CHECK(one.submit(id, "twice") == delivery_verdict::answered);
    CHECK(one.append(id, "thrice") == delivery_verdict::answered);
    CHECK(one.queue.fail(id, "no") == delivery_verdict::answered);
    CHECK(one.submit("prompt_made_up", "x") == delivery_verdict::unknown);
    CHECK(one.submit("", "x") == delivery_verdict::unknown);
    CHECK(asker->said == "once");
    CHECK(asker->ends == 1);
}

TEST_CASE("a host that gives up fails the client's request with its reason") {
    house one;
    auto const asker = one.ask("hello");
    CHECK(one.queue.fail(one.fetch()->id, "I may not") == delivery_verdict::accepted);
    REQUIRE(asker->failure);
    CHECK(asker->failure->status() == 502);
    CHECK(asker->failure->message() == "the agent could not answer: I may not");
}

TEST_CASE("a prompt that nobody fetches fails with 504, at its limit and not before") {
    house one;
    auto const asker = one.ask("hello");
    one.pass(29'999ms);
    CHECK(asker->ends == 0);
    one.pass(1ms);
    REQUIRE(asker->failure);
    CHECK(asker->failure->status() == 504);
    CHECK(asker->failure->reason() == "no_agent");
    CHECK(asker->failure->message().find("no agent is connected") != std::string::npos);
    CHECK(!one.fetch());
}

TEST_CASE("a client that leaves takes its prompt along, whether it waits or is being answered") {
    house one;
    auto const waiting = one.ask("one");
    one.leave(waiting);
    CHECK(!one.fetch());
    auto const served = one.ask("two");
    auto const id = one.fetch()->id;
    CHECK(one.append(id, "a") == delivery_verdict::accepted);
    one.leave(served);
    one.leave(served);
    CHECK(one.append(id, "b") == delivery_verdict::cancelled);
    CHECK(served->said == "a");
    CHECK(served->ends == 0);
}

TEST_CASE("a prompt whose host falls silent is given to the next, and only one of them wins") {
    house one;
    auto const asker = one.ask("hello");
    auto const first = one.fetch()->id;
    one.pass(19'999ms);
    CHECK(!one.fetch());
    one.pass(1ms);
    auto const second = one.fetch();
    REQUIRE(second);
    CHECK(second->id != first);
    CHECK(*second->text == "hello");
    CHECK(second->time_left == 40s);

    SUBCASE("the second is faster") {
        CHECK(one.append(second->id, "B") == delivery_verdict::accepted);
        CHECK(one.append(first, "A") == delivery_verdict::taken);
        CHECK(one.submit(first, "A") == delivery_verdict::taken);
        CHECK(one.submit(second->id) == delivery_verdict::accepted);
        CHECK(asker->said == "B");
    }
    SUBCASE("the first comes back in time") {
        CHECK(one.submit(first, "A") == delivery_verdict::accepted);
        CHECK(one.submit(second->id, "B") == delivery_verdict::taken);
        CHECK(asker->said == "A");
    }
    CHECK(asker->openings == 1);
    CHECK(asker->ends == 1);
}

TEST_CASE("a host that comes back before anybody has taken its prompt keeps it") {
    house one;
    auto const asker = one.ask("hello");
    auto const id = one.fetch()->id;
    one.pass(20s);
    CHECK(one.queue.waiting_prompts() == 1);
    CHECK(one.append(id, "late") == delivery_verdict::accepted);
    CHECK(one.queue.waiting_prompts() == 0);
    CHECK(!one.fetch());
    one.pass(59'999ms);
    CHECK(asker->ends == 0);
    one.pass(1ms);
    REQUIRE(asker->failure);
    CHECK(asker->failure->status() == 504);
    CHECK(one.submit(id) == delivery_verdict::expired);
}

TEST_CASE("a prompt is given to three hosts at most, and fails when all have left") {
    house one;
    auto const asker = one.ask("hello");
    for (int i = 0; i != 3; ++i) {
        CHECK(asker->ends == 0);
        auto const given = one.fetch();
        REQUIRE(given);
        one.queue.give_back(given->id, one.clock.steady());
        CHECK(one.append(given->id, "x") == delivery_verdict::expired);
    }
    REQUIRE(asker->failure);
    CHECK(asker->failure->status() == 502);
    CHECK(asker->failure->message().find("3 agents") != std::string::npos);
    CHECK(one.queue.prompts() == 0);
}

TEST_CASE("a host that leaves in the middle of its answer fails it, for the client has read half") {
    house one;
    auto const asker = one.ask("hello");
    auto const id = one.fetch()->id;
    CHECK(one.append(id, "ha") == delivery_verdict::accepted);
    one.queue.give_back(id, one.clock.steady());
    REQUIRE(asker->failure);
    CHECK(asker->failure->status() == 502);
    CHECK(!one.fetch());
}

TEST_CASE("an answer that is not streamed has one deadline for all of it, a stream one a piece") {
    house one;
    auto const whole = one.ask("one", false);
    auto const id = one.fetch()->id;
    one.pass(15s);
    CHECK(one.append(id, "x") == delivery_verdict::accepted);
    one.pass(15s);
    CHECK(whole->ends == 1);
    CHECK(one.append(id, "y") == delivery_verdict::expired);

    auto const streamed = one.ask("two", true);
    auto const other = one.fetch()->id;
    for (int i = 0; i != 5; ++i) {
        one.pass(59s);
        CHECK(one.append(other, "x") == delivery_verdict::accepted);
    }
    CHECK(streamed->ends == 0);
    one.pass(60s);
    CHECK(streamed->ends == 1);
}

TEST_CASE("hosts are served in the order in which they came, and prompts as well") {
    house one;
    std::string woken;
    auto first = one.queue.wait([&] { woken += '1'; }, one.clock.steady());
    auto const second = one.queue.wait([&] { woken += '2'; }, one.clock.steady());
    auto const third = one.queue.wait([&] { woken += '3'; }, one.clock.steady());
    auto const a = one.ask("a");
    auto const b = one.ask("b");
    CHECK(woken == "12");
    CHECK(!third->take());

    SUBCASE("both take what they were given") {
        CHECK(*first->take()->text == "a");
        CHECK(!first->take());
        CHECK(*second->take()->text == "b");
    }
    SUBCASE("one goes before it has taken its prompt, which the next one gets") {
        first.reset();
        CHECK(woken == "123");
        CHECK(*third->take()->text == "a");
        // It was nobody's fault: the prompt still has all its chances.
        CHECK(a->openings == 2);
        CHECK(a->ends == 0);
    }
}

TEST_CASE("a queue takes as many prompts, and as many hosts, as it may") {
    house one{prompt_limits{.max_prompts = 2, .max_hosts = 2}};
    (void)one.ask("1");
    (void)one.ask("2");
    auto const third = one.queue.add("3", true, std::make_shared<client>(), one.clock.steady());
    REQUIRE(!third);
    CHECK(third.error().status() == 503);
    CHECK(third.error().retry_after());
    (void)one.fetch();
    (void)one.fetch();
    auto const a = one.queue.wait([] {}, one.clock.steady());
    auto const b = one.queue.wait([] {}, one.clock.steady());
    CHECK(one.queue.wait([] {}, one.clock.steady()) == nullptr);
    CHECK(one.queue.waiting_hosts() == 2);
}

TEST_CASE("an answer has as many bytes as it may, and not one more") {
    house one{prompt_limits{.max_answer_bytes = 4}};
    auto const fits = one.ask("1");
    auto id = one.fetch()->id;
    CHECK(one.append(id, "ab") == delivery_verdict::accepted);
    CHECK(one.submit(id, "cd") == delivery_verdict::accepted);
    CHECK(fits->said == "abcd");
    auto const longer = one.ask("2");
    id = one.fetch()->id;
    CHECK(one.append(id, "ab") == delivery_verdict::accepted);
    CHECK(one.append(id, "cde") == delivery_verdict::too_long);
    CHECK(one.append(id, "c") == delivery_verdict::too_long);
    REQUIRE(longer->failure);
    CHECK(longer->failure->status() == 502);
}

TEST_CASE("an answer that its client has cut short is over for its host, too") {
    house one;
    auto const asker = one.ask("1");
    asker->stop = "END";
    auto const id = one.fetch()->id;
    CHECK(one.append(id, "a END b") == delivery_verdict::accepted);
    CHECK(one.append(id, "c") == delivery_verdict::answered);
    CHECK(asker->ends == 0); // the client ended it itself
    CHECK(one.queue.prompts() == 0);
}

TEST_CASE("only so many ids are remembered, the latest ones") {
    house one{prompt_limits{.max_remembered = 2}};
    std::vector<std::string> ids;
    for (int i = 0; i != 3; ++i) {
        (void)one.ask("x");
        ids.push_back(one.fetch()->id);
        (void)one.submit(ids.back());
    }
    CHECK(one.submit(ids[0]) == delivery_verdict::unknown);
    CHECK(one.submit(ids[1]) == delivery_verdict::answered);
    CHECK(one.submit(ids[2]) == delivery_verdict::answered);
}

TEST_CASE("a queue that closes fails what waits, wakes its hosts, and takes nothing more") {
    house one;
    auto const asker = one.ask("1");
    auto const served = one.ask("2");
    (void)one.fetch();
    (void)one.fetch();
    bool woken = false;
    auto const host = one.queue.wait([&] { woken = true; }, one.clock.steady());
    one.queue.close();
    CHECK(woken);
    CHECK(!host->take());
    CHECK(asker->failure->status() == 503);
    CHECK(served->ends == 1);
    CHECK(!one.queue.add("3", true, std::make_shared<client>(), one.clock.steady()));
    CHECK(one.queue.wait([] {}, one.clock.steady()) == nullptr);
}

TEST_CASE("whatever hosts and clients do, each prompt ends once, with the words of one host only") {
    for (std::uint32_t seed = 1; seed != 200; ++seed) {
        CAPTURE(seed);
        std::mt19937 random{seed};
        auto const below = [&](std::size_t n) { return std::size_t{random()} % n; };
        house one{prompt_limits{.max_prompts = 8, .max_hosts = 4}};
        struct host {
            std::unique_ptr<prompt_queue::place> place;
            std::optional<given_prompt> works_on;
            char letter = 'a';
        };
        std::vector<host> hosts(4);
        for (std::size_t i = 0; i != hosts.size(); ++i)
            hosts[i].letter = static_cast<char>('a' + i);
        std::vector<std::shared_ptr<client>> clients;
        std::vector<std::shared_ptr<client>> gone;
        int accepted_ends = 0;

        for (int step = 0; step != 400; ++step) {
            host& who = hosts[below(hosts.size())];
            switch (below(9)) {
            case 0:
                if (one.queue.prompts() < 8) clients.push_back(one.ask("p", below(2) == 0));
                break;
            case 1:
                if (!who.place) who.place = one.queue.wait([] {}, one.clock.steady());
                break;
            case 2:
            case 3:
                if (who.place && !who.works_on)
                    if (auto given = who.place->take()) {
                        who.works_on = std::move(given);
                        who.place.reset();
                    }
                break;
            case 4:
                if (who.works_on)
                    if (one.append(who.works_on->id, std::string(1, who.letter)) !=
                        delivery_verdict::accepted)
                        who.works_on.reset();
                break;
            case 5:
                if (who.works_on) {
                    if (one.submit(who.works_on->id, std::string(1, who.letter)) ==
                        delivery_verdict::accepted)
                        ++accepted_ends;
                    who.works_on.reset();
                }
                break;
            case 6: // dies: some deaths are seen, some are not
                if (who.works_on && below(2) == 0)
                    one.queue.give_back(who.works_on->id, one.clock.steady());
                who.works_on.reset();
                who.place.reset();
                break;
            case 7: one.pass(std::chrono::milliseconds{below(9000)}); break;
            case 8:
                if (!clients.empty() && below(4) == 0) {
                    auto const& leaver = clients[below(clients.size())];
                    if (leaver->ends == 0) gone.push_back(leaver);
                    one.leave(leaver);
                }
                break;
            }
        }
        hosts.clear();
        one.pass(200s);

        CHECK(one.queue.prompts() == 0);
        CHECK(one.queue.waiting_prompts() == 0);
        CHECK(one.queue.waiting_hosts() == 0);
        int finished = 0;
        for (auto const& each : clients) {
            bool const left = std::find(gone.begin(), gone.end(), each) != gone.end();
            CHECK(each->ends == (left ? 0 : 1));
            finished += each->reason ? 1 : 0;
            bool const one_voice =
                each->said.find_first_not_of(each->said.substr(0, 1)) == std::string::npos;
            CHECK(one_voice);
        }
        CHECK(finished == accepted_ends);
    }
}

TEST_CASE("hosts and clients on many threads leave nothing behind") {
    prompt_queue queue{prompt_limits{.lease_time = 2ms}};
    constexpr int each = 300;
    std::vector<std::shared_ptr<client>> clients(2 * each);
    std::atomic<bool> done{false};
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t != 2; ++t)
        threads.emplace_back([&, t] {
            for (std::size_t i = 0; i != each; ++i) {
                auto& mine = clients[t * each + i];
                mine = std::make_shared<client>();
                while (!queue.add("x", true, mine, std::chrono::steady_clock::now()))
                    std::this_thread::yield();
            }
        });
    for (std::size_t t = 0; t != 2; ++t)
        threads.emplace_back([&, t] {
            std::minstd_rand random{static_cast<unsigned>(t + 1)};
            while (!done) {
                auto const place = queue.wait([] {}, std::chrono::steady_clock::now());
                if (auto const given = place->take(); given && random() % 4 != 0) {
                    (void)queue.append(given->id, "a", std::chrono::steady_clock::now());
                    (void)queue.submit(given->id, "b", finish_reason::stop);
                }
            }
        });
    std::thread clock{[&] {
        while (!done) {
            queue.expire(std::chrono::steady_clock::now());
            std::this_thread::yield();
        }
    }};
    threads[0].join();
    threads[1].join();
    auto const until = std::chrono::steady_clock::now() + 5s;
    while (queue.prompts() != 0 && std::chrono::steady_clock::now() < until)
        std::this_thread::yield();
    done = true;
    threads[2].join();
    threads[3].join();
    clock.join();
    queue.close();
    for (auto const& one : clients) REQUIRE(one->ends == 1);
}
