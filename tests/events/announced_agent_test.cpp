#include "events/heard.hpp"
#include "mcp_provider/events/announced_agent.hpp"
#include "mcp_provider/testing/fake_agent.hpp"
#include "mcp_provider/testing/run.hpp"

#include <boost/json/serialize.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

struct stage {
    explicit stage(bool with_content = false)
        : feed{std::make_shared<events::feed>(events::feed_limits{}, with_content)} {
        testing::script answer;
        answer.opened().reasoning("hm").text("Hel").text("lo").finished(agent::finish_reason::stop,
                                                                        3, 2);
        fake->plays(std::move(answer));
        ask.model = "fake";
        ask.messages.emplace_back(agent::role::system, "be kind");
        ask.messages.emplace_back(agent::role::user, "What is 6 times 7?");
        proof.notes().model = "fake";
    }

    /// Asks, and reads the answer to its end.
    std::string answer() {
        std::string said;
        testing::run(read(said));
        return said;
    }

    std::shared_ptr<events::feed> feed;
    std::shared_ptr<testing::fake_agent> fake =
        std::make_shared<testing::fake_agent>(std::vector<agent::model>{
            agent::model{"fake", agent::capability::completion, 1000, "fake"}});
    events::announced_agent announced{fake, feed};
    agent::conversation ask;
    audited proof = testing::audited_access::make();

private:
    asio::awaitable<void> read(std::string& said) {
        auto begun = co_await announced.generate(ask, proof);
        if (!begun) co_return;
        auto const stream = *std::move(begun);
        for (;;) {
            auto const piece = co_await stream->next();
            if (!piece || piece->what == agent::delta::kind::finished) co_return;
            if (piece->what == agent::delta::kind::text) said += piece->text;
        }
    }
};

} // namespace

TEST_CASE("announced_agent tells once when an answer begins, and nothing of what it says") {
    stage one;
    events::ear ear{*one.feed};
    CHECK(one.answer() == "Hello");
    auto const told = ear.take();
    REQUIRE(told.size() == 1);
    CHECK(told[0].at("type") == "request.first_token");
    CHECK(told[0].at("model") == "fake");
    CHECK(told[0].at("request_id").as_string().starts_with("req_"));
    CHECK(told[0].at("first_token_ms").is_number());
    std::string const text = boost::json::serialize(told[0]);
    CHECK(text.find("Hel") == std::string::npos);
    CHECK(text.find("6 times 7") == std::string::npos);
}

TEST_CASE("announced_agent tells what is asked and said where content is switched on") {
    stage one{true};
    events::ear ear{*one.feed, events::topic::content};
    CHECK(one.answer() == "Hello");
    auto const told = ear.take();
    REQUIRE(told.size() == 4);
    CHECK(told[0].at("type") == "content.prompt");
    CHECK(told[0].at("turns") == 2);
    CHECK(told[0].at("role") == "user");
    CHECK(told[0].at("text") == "What is 6 times 7?");
    CHECK(told[1].at("kind") == "reasoning");
    CHECK(told[1].at("text") == "hm");
    CHECK(told[2].at("text") == "Hel");
    CHECK(told[3].at("text") == "lo");
}

TEST_CASE("announced_agent hands answers through untouched while nobody listens") {
    stage one{true};
    CHECK(one.answer() == "Hello");
    events::ear ear{*one.feed};
    CHECK(ear.take().empty());
    CHECK(one.announced.models()->front().name == "fake");
}

TEST_CASE("announced_agent passes refusals on, and tells of no first token") {
    stage one;
    events::ear ear{*one.feed};
    one.fake->refuses(rejection{rejection_code::upstream_failed, "gone"});
    CHECK(one.answer().empty());
    CHECK(ear.take().empty());
}
