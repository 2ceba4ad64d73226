// The link, both ends, over loopback: what goes over it, and what happens when it breaks.
#include "agents/collected.hpp"
#include "bridge/linked.hpp"
#include "config/temporary_directory.hpp"
#include "mcp_provider/testing/fake_agent.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::bridge;
using namespace std::chrono_literals;
using server::agents::collected;
using server::agents::gather;
using testing::fake_agent;
using testing::pace;
using testing::script;

namespace {

std::vector<agent::model> two_models() {
    std::vector<agent::model> out;
    out.emplace_back("fake:latest", agent::capability::completion, 4096, "fake");
    out.emplace_back("other", agent::capability::embedding, 512, "fake");
    return out;
}

agent::conversation a_chat(std::string words = "hi") {
    agent::conversation ask;
    ask.model = "fake:latest";
    ask.caller = "key_1";
    ask.messages.emplace_back(agent::role::user, std::move(words));
    return ask;
}

/// Says pieces of a size for as long as somebody wants them, and counts them.
class endless_agent final : public agent::agent {
public:
    explicit endless_agent(std::size_t piece_bytes) : text_(piece_bytes, 'x') {}
    std::atomic<std::size_t> said{0};
    std::atomic<int> running{0};

    [[nodiscard]] mcp_provider::agent::model_list models() const override {
        static auto const list =
            std::make_shared<std::vector<mcp_provider::agent::model> const>(two_models());
        return list;
    }
    [[nodiscard]] asio::awaitable<result<std::unique_ptr<mcp_provider::agent::delta_stream>>>
    generate(mcp_provider::agent::conversation const&, audited const&) override {
        std::unique_ptr<mcp_provider::agent::delta_stream> made = std::make_unique<stream>(*this);
        co_return std::move(made);
    }
    [[nodiscard]] asio::awaitable<result<mcp_provider::agent::embeddings>>
    embed(mcp_provider::agent::embedding_request const&, audited const&) override {
        co_return rejection{rejection_code::not_implemented, "no"};
    }

private:
    class stream final : public mcp_provider::agent::delta_stream {
    public:
        explicit stream(endless_agent& of) : of_{of} { ++of_.running; }
        ~stream() override { --of_.running; }
        [[nodiscard]] asio::awaitable<result<mcp_provider::agent::delta>> next() override {
            auto const executor = co_await asio::this_coro::executor;
            co_await asio::post(executor, asio::use_awaitable);
            mcp_provider::agent::delta piece;
            if (!std::exchange(opened_, true)) co_return piece;
            piece.what = mcp_provider::agent::delta::kind::text;
            piece.text = of_.text_;
            ++of_.said;
            co_return piece;
        }

    private:
        endless_agent& of_;
        bool opened_ = false;
    };
    std::string text_;
};

} // namespace

TEST_CASE(
    "an answer over the link is the answer of the agent, asked from the link's thread or another") {
    auto const fake = std::make_shared<fake_agent>(two_models());
    agent::conversation seen;
    fake->on_generate([&](agent::conversation const& ask) {
        seen.caller = ask.caller;
        seen.messages = ask.messages;
    });
    bridge_under_test bridge{fake};
    adapter_under_test adapter{bridge.port()};
    REQUIRE(comes_true([&] { return adapter.is_linked(); }));

    for (pace const how : {pace::split, pace::coalesced}) {
        script answer;
        answer.opened().reasoning("hm").text("Hello, ").text("\"world\"\n\xe2\x82\xac");
        answer.call(0, "c1", "weather", "{").arguments(0, "\"city\":\"A\"}");
        answer.finished(agent::finish_reason::tool_calls, 12, 34);
        fake->plays(answer, how);
        for (bool const there : {true, false}) {
            auto const ask = a_chat();
            collected const got = there ? adapter.run_there(gather(adapter.agent, ask))
                                        : testing::run(gather(adapter.agent, ask));
            CHECK_FALSE(got.failed());
            CHECK(got.opened);
            CHECK(got.reasoning == "hm");
            CHECK(got.text == "Hello, \"world\"\n\xe2\x82\xac");
            CHECK(got.pieces.size() == 2);
            REQUIRE(got.calls.size() == 1);
            CHECK(got.calls[0].id == "c1");
            CHECK(got.calls[0].arguments == R"({"city":"A"})");
            CHECK(got.reason == agent::finish_reason::tool_calls);
            CHECK(got.used.prompt_tokens == 12);
            CHECK(got.used.completion_tokens == 34);
        }
    }
    CHECK(seen.caller == "key_1");
    CHECK(seen.messages.at(0).text == "hi");
}

TEST_CASE("the models of the bridge are the models of the adapter, also when they change") {
    class changing final : public agent::agent {
    public:
        std::mutex mutex;
        mcp_provider::agent::model_list now =
            std::make_shared<std::vector<mcp_provider::agent::model> const>(two_models());
        [[nodiscard]] mcp_provider::agent::model_list models() const override {
            std::lock_guard const lock{const_cast<changing*>(this)->mutex};
            return now;
        }
        [[nodiscard]] asio::awaitable<result<std::unique_ptr<mcp_provider::agent::delta_stream>>>
        generate(mcp_provider::agent::conversation const&, audited const&) override {
            co_return rejection{rejection_code::not_found, "none"};
        }
        [[nodiscard]] asio::awaitable<result<mcp_provider::agent::embeddings>>
        embed(mcp_provider::agent::embedding_request const&, audited const&) override {
            co_return rejection{rejection_code::not_found, "none"};
        }
    };
    auto const agent = std::make_shared<changing>();
    bridge_under_test bridge{agent};
    adapter_under_test adapter{bridge.port()};
    CHECK(adapter.agent.models()->empty());
    REQUIRE(comes_true([&] { return adapter.is_linked(); }));
    REQUIRE(adapter.agent.models()->size() == 2);
    CHECK(adapter.agent.models()->front().name == "fake:latest");

    {
        std::lock_guard const lock{agent->mutex};
        auto fewer = two_models();
        fewer.pop_back();
        agent->now = std::make_shared<std::vector<agent::model> const>(std::move(fewer));
    }
    CHECK(comes_true([&] { return adapter.agent.models()->size() == 1; }));
    bridge.stop(0ms);
    CHECK(comes_true([&] { return !adapter.is_linked(); }));
    CHECK(adapter.agent.models()->size() == 1); // an editor need not lose its model for a restart
}

TEST_CASE("a refusal of the agent comes with its status, reason, place and wait, at once or in the "
          "middle") {
    auto const fake = std::make_shared<fake_agent>(two_models());
    bridge_under_test bridge{fake};
    adapter_under_test adapter{bridge.port()};
    REQUIRE(comes_true([&] { return adapter.is_linked(); }));
    fake->refuses(rejection{rejection_code::rate_limited, "slow down"}
                      .because("busy")
                      .at("/model")
                      .come_again_in(7s));
    auto const ask = a_chat();

    collected const refused = testing::run(gather(adapter.agent, ask));
    script half;
    half.opened().text("ha").fails(rejection{rejection_code::upstream_failed, "broke"});
    fake->plays(half);
    collected const broken = testing::run(gather(adapter.agent, ask));

    REQUIRE(refused.failed());
    CHECK(refused.why->code() == rejection_code::rate_limited);
    CHECK(refused.why->message() == "slow down");
    CHECK(refused.why->reason() == "busy");
    CHECK(refused.why->where() == "/model");
    CHECK(refused.why->retry_after() == 7s);
    REQUIRE(broken.failed());
    CHECK(broken.text == "ha");
    CHECK(broken.why->message() == "broke");
}

TEST_CASE("vectors come over the link as they are, however many") {
    auto const fake = std::make_shared<fake_agent>(two_models());
    std::vector<std::vector<float>> vectors;
    for (int i = 0; i < 300; ++i) vectors.emplace_back(1000, static_cast<float>(i) / 3);
    fake->embeds(vectors, 42);
    bridge_under_test bridge{fake};
    adapter_under_test adapter{bridge.port()};
    REQUIRE(comes_true([&] { return adapter.is_linked(); }));
    agent::embedding_request ask;
    ask.model = "other";
    ask.inputs.assign(300, "text");
    audited const proof = testing::audited_access::make();

    auto const got = testing::run(adapter.agent.embed(ask, proof));
    fake->refuses(rejection{rejection_code::not_found, "no such model"});
    auto const refused = testing::run(adapter.agent.embed(ask, proof));

    REQUIRE(got);
    CHECK(got->vectors == vectors);
    CHECK(got->prompt_tokens == 42);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == rejection_code::not_found);
}

TEST_CASE("a client that leaves stops its agent within 100 ms") {
    auto const agent = std::make_shared<endless_agent>(10);
    bridge_under_test bridge{agent};
    adapter_under_test adapter{bridge.port()};
    REQUIRE(comes_true([&] { return adapter.is_linked(); }));
    auto const ask = a_chat();
    audited const proof = testing::audited_access::make();

    auto const read_a_little = [&]() -> asio::awaitable<void> {
        auto stream = co_await adapter.agent.generate(ask, proof);
        for (int i = 0; i < 10; ++i) (void)co_await (*stream)->next();
    };
    testing::run(read_a_little());
    auto const left = std::chrono::steady_clock::now();
    REQUIRE(comes_true([&] { return agent->running == 0; }));

    CHECK(std::chrono::steady_clock::now() - left < 100ms);
}

TEST_CASE("a client that does not read makes its agent stop, and another one is served meanwhile") {
    auto const agent = std::make_shared<endless_agent>(100);
    bridge_under_test bridge{agent};
    adapter_under_test adapter{bridge.port()};
    REQUIRE(comes_true([&] { return adapter.is_linked(); }));
    auto const ask = a_chat();
    audited const proof = testing::audited_access::make();

    auto const stall = [&]() -> asio::awaitable<void> {
        auto slow = co_await adapter.agent.generate(ask, proof);
        (void)co_await (*slow)->next();
        std::size_t before = 0;
        do { // until the agent says no more
            before = agent->said;
            asio::steady_timer pause{co_await asio::this_coro::executor, 100ms};
            co_await pause.async_wait(asio::use_awaitable);
        } while (agent->said != before);
        CHECK(before * 100 < 4 * first_credit);
        auto quick = co_await adapter.agent.generate(ask, proof);
        for (int i = 0; i < 5000; ++i) {
            auto const piece = co_await (*quick)->next();
            if (!piece) {
                CHECK(piece.error().message() == "");
                break;
            }
        }
        std::size_t const stalled = before;
        CHECK(agent->said >= stalled + 4999);
        // Reading on wakes the agent up.
        for (std::size_t i = 0; i < 2 * stalled; ++i) {
            auto const piece = co_await (*slow)->next();
            if (!piece) {
                CHECK(piece.error().message() == "");
                break;
            }
        }
    };
    testing::run(stall());
    CHECK(comes_true([&] { return agent->running == 0; }));
}

TEST_CASE("a wrong token: no link, 503 at once, and the right token in the file is taken without a "
          "restart") {
    ::temporary_directory const folder;
    auto const file = folder.write("bridge.token", std::string{first_token} + "\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_read |
                                           std::filesystem::perms::owner_write);
    auto const fake = std::make_shared<fake_agent>(two_models());
    bridge_under_test bridge{fake, 0, file};
    ::temporary_directory const other;
    auto const wrong = other.write("bridge.token", std::string{second_token} + "\n");
    std::filesystem::permissions(wrong, std::filesystem::perms::owner_read |
                                            std::filesystem::perms::owner_write);
    adapter_under_test adapter{bridge.port(), wrong};
    // The configuration's own token is replaced by the file's before the first attempt.
    CHECK_FALSE(comes_true([&] { return adapter.is_linked(); }, 700ms));
    auto const ask = a_chat();

    collected const got = testing::run(gather(adapter.agent, ask));
    REQUIRE(got.failed());
    CHECK(got.why->code() == rejection_code::overloaded);
    CHECK(got.why->reason() == "bridge_unavailable");
    CHECK(got.why->retry_after() == 1s);
    CHECK(adapter.agent.state() == server::health::unhealthy);

    other.write("bridge.token", std::string{first_token} + "\n");
    CHECK(comes_true([&] { return adapter.is_linked(); }));
}

TEST_CASE("the token is replaced while requests run: none fails, and the old one is good for a "
          "while only") {
    ::temporary_directory const folder;
    auto const file = folder.write("bridge.token", std::string{first_token} + "\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_read |
                                           std::filesystem::perms::owner_write);
    auto const agent = std::make_shared<endless_agent>(10);
    bridge_under_test bridge{agent, 0, file};
    adapter_under_test adapter{bridge.port(), file};
    REQUIRE(comes_true([&] { return adapter.is_linked(); }));
    auto const ask = a_chat();
    audited const proof = testing::audited_access::make();

    std::atomic<bool> replaced = false;
    std::atomic<int> failed = 0;
    std::atomic<int> asked = 0;
    std::thread clients{[&] {
        auto const one = [&]() -> asio::awaitable<void> {
            while (!replaced) {
                auto stream = co_await adapter.agent.generate(ask, proof);
                ++asked;
                if (!stream) {
                    ++failed;
                    continue;
                }
                for (int i = 0; i < 500; ++i) {
                    auto const piece = co_await (*stream)->next();
                    if (!piece) {
                        ++failed;
                        break;
                    }
                }
            }
        };
        testing::run(one());
    }};
    CHECK(comes_true([&] { return asked > 3; }));
    folder.write("bridge.token", std::string{second_token} + "\n");
    ::poll(nullptr, 0, 2500); // both look at the file once a second
    replaced = true;
    clients.join();

    CHECK(failed == 0);
    CHECK(asked > 10);
    CHECK(adapter.is_linked());
    CHECK(bridge.keys->find(second_token) != nullptr);
    CHECK(bridge.keys->find(first_token) != nullptr); // within its grace time
}

TEST_CASE("a bridge that speaks another version: no link, and a clear refusal") {
    std::atomic<int> links = 0;
    std::string goodbye;
    std::mutex mutex;
    bridge_under_test bridge{[&](std::shared_ptr<http::duplex> on) -> asio::awaitable<void> {
        net::websocket socket{std::move(on), net::websocket::side::server};
        ++links;
        socket.send_text("{\"hello\":0,\"program\":\"0.0.1\"}\n{\"models\":[]}\n");
        while (co_await socket.read()) {
        }
        std::lock_guard const lock{mutex};
        goodbye = std::to_string(socket.end().code) + ' ' + socket.end().reason;
    }};
    adapter_under_test adapter{bridge.port()};

    REQUIRE(comes_true([&] {
        std::lock_guard const lock{mutex};
        return !goodbye.empty();
    }));
    CHECK(goodbye == "4001 the bridge speaks version 0 of the link, the adapter 1");
    CHECK_FALSE(adapter.is_linked());
    auto const ask = a_chat();
    collected const got = testing::run(gather(adapter.agent, ask));
    REQUIRE(got.failed());
    CHECK(got.why->code() == rejection_code::overloaded);
    CHECK(links < 5); // it does not knock without a pause
}

TEST_CASE("a bridge that talks nonsense, or never says hello, is left, and does no harm") {
    for (std::string const nonsense :
         {"nonsense", "{\"hello\":1}\nnonsense\n", "{\"hello\":1}\n{\"generate\":1}\n"}) {
        CAPTURE(nonsense);
        std::atomic<std::uint16_t> code = 0;
        bridge_under_test bridge{[&](std::shared_ptr<http::duplex> on) -> asio::awaitable<void> {
            net::websocket socket{std::move(on), net::websocket::side::server};
            socket.send_text(nonsense);
            while (co_await socket.read()) {
            }
            if (code == 0) code = socket.end().code;
        }};
        adapter_under_test const adapter{bridge.port()};
        CHECK(comes_true([&] { return code != 0; }));
        CHECK(code == close_not_understood);
        CHECK_FALSE(adapter.is_linked());
    }
}

TEST_CASE("a bridge that goes: requests that run fail with 502, new ones with 503, and a new "
          "bridge is found") {
    auto const agent = std::make_shared<endless_agent>(10);
    auto bridge = std::make_unique<bridge_under_test>(agent);
    std::uint16_t const port = bridge->port();
    adapter_under_test adapter{port};
    REQUIRE(comes_true([&] { return adapter.is_linked(); }));
    auto const ask = a_chat();

    std::thread stopper{[&] {
        comes_true([&] { return agent->said > 100; });
        bridge->stop(0ms);
    }};
    collected const cut = testing::run(gather(adapter.agent, ask));
    stopper.join();
    bridge.reset();
    REQUIRE(cut.failed());
    CHECK(cut.why->code() == rejection_code::upstream_failed);
    CHECK(cut.why->reason() == "bridge_lost");
    REQUIRE(comes_true([&] { return !adapter.is_linked(); }));
    collected const refused = testing::run(gather(adapter.agent, ask));
    REQUIRE(refused.failed());
    CHECK(refused.why->code() == rejection_code::overloaded);

    auto const fake = std::make_shared<fake_agent>(two_models());
    script answer;
    answer.opened().text("back").finished();
    fake->plays(answer);
    bridge_under_test again{fake, port};
    REQUIRE(comes_true([&] { return adapter.is_linked(); }, 6s));
    CHECK(testing::run(gather(adapter.agent, ask)).text == "back");
}

TEST_CASE("a bridge that drains lets requests end, and takes no new ones") {
    auto const fake = std::make_shared<fake_agent>(two_models());
    script answer;
    answer.opened();
    for (int i = 0; i < 20'000; ++i) answer.text("word ");
    answer.finished();
    fake->plays(answer);
    std::atomic<bool> has_begun = false;
    fake->on_generate([&](agent::conversation const&) { has_begun = true; });
    bridge_under_test bridge{fake};
    adapter_under_test adapter{bridge.port()};
    REQUIRE(comes_true([&] { return adapter.is_linked(); }));
    auto const ask = a_chat();

    std::thread drainer{[&] {
        comes_true([&] { return has_begun.load(); });
        bridge.links->drain(5s);
    }};
    collected const whole = testing::run(gather(adapter.agent, ask));
    drainer.join();

    CHECK_FALSE(whole.failed());
    CHECK(whole.pieces.size() == 20'000);
    CHECK(comes_true([&] { return !adapter.is_linked(); }));
}

TEST_CASE("events go to the bridge, and the adapter is told whether anybody listens") {
    std::mutex mutex;
    std::vector<std::string> heard;
    std::atomic<bool> is_heard = false;
    std::atomic<int> listening = -1;
    bridge_under_test bridge{std::make_shared<fake_agent>(two_models()),
                             0,
                             {},
                             [&](std::string_view event) {
                                 std::lock_guard const lock{mutex};
                                 heard.emplace_back(event);
                             },
                             [&] { return is_heard.load(); }};
    adapter_under_test adapter{bridge.port(), {}, [&](bool anybody) { listening = anybody; }};
    adapter.agent.publish(R"({"type":"lost"})");
    REQUIRE(comes_true([&] { return adapter.is_linked(); }));
    CHECK(adapter.agent.dropped_events() == 1);

    is_heard = true;
    CHECK(comes_true([&] { return listening == 1; }));
    adapter.agent.publish(R"({"type":"request.begun","n":1})");
    CHECK(comes_true([&] {
        std::lock_guard const lock{mutex};
        return heard == std::vector<std::string>{R"({"type":"request.begun","n":1})"};
    }));
    is_heard = false;
    CHECK(comes_true([&] { return listening == 0; }));
}
