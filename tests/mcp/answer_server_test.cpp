#include "mcp/client_setting.hpp"
#include "mcp_provider/mcp/detail/answer_server.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::accept_form;
using testing::object;
using testing::rest;
using testing::said;
using testing::scripted_server;
using testing::setting;
using testing::text_of;
namespace bj = boost::json;

TEST_CASE("a modern server's wish for input is met, and its state goes back as it came") {
    mcp::client_options options;
    options.elicitation = accept_form;
    options.roots = [] { return json::parse(R"([{"uri":"file:///r"}])")->get_array(); };
    setting with{true, options};
    with.server->answers = {
        {R"("result":{"resultType":"input_required","requestState":"{\"n\": 1}","inputRequests":{
            "who":{"method":"elicitation/create","params":{"message":"?","requestedSchema":{"properties":{"age":{"type":"integer","default":30},"name":{"type":"string","default":"x"}}}}},
            "where":{"method":"roots/list"}}})"},
        {R"("result":{"resultType":"input_required","requestState":"s2"})"},
        {R"("result":{"resultType":"input_required","inputRequests":{}})"},
        {said("done")}};
    CHECK(with.call("t", R"({"a":1})") == "done");
    REQUIRE(with.server->requests.size() == 4);
    bj::object const second = with.server->request(1).at("params").as_object();
    CHECK(
        text_of(second.at("inputResponses")) ==
        R"({"who":{"action":"accept","content":{"name":"Ada","age":30}},"where":{"roots":[{"uri":"file:///r"}]}})");
    CHECK(second.at("requestState") == "{\"n\": 1}");
    CHECK(text_of(second.at("arguments")) == R"({"a":1})");
    bj::object const third = with.server->request(2).at("params").as_object();
    CHECK(third.at("requestState") == "s2");
    CHECK_FALSE(third.contains("inputResponses"));
    bj::object const fourth = with.server->request(3).at("params").as_object();
    CHECK_FALSE(fourth.contains("requestState"));
    CHECK(text_of(fourth.at("inputResponses")) == "{}");
    for (std::size_t i = 1; i != 4; ++i)
        CHECK(with.server->request(i).at("id") != with.server->request(i - 1).at("id"));
}

TEST_CASE("a wish for input that cannot be met ends the call") {
    auto const told = [](std::string result) {
        mcp::client_options options;
        options.elicitation = accept_form;
        options.max_inputs = 2;
        setting with{true, options};
        with.server->answers.emplace_back(R"("result":{"resultType":"input_required")" + result +
                                          "}");
        std::string const text = with.call();
        CHECK(with.server->requests.size() == 1);
        return text;
    };
    std::string const form = R"({"method":"elicitation/create","params":{}})";
    CHECK(told("") ==
          "the MCP server's answer is not as it should be: it wants input and does not say which");
    CHECK(told(R"(,"inputRequests":[])").ends_with("the inputs it wants are no object"));
    CHECK(
        told(R"(,"inputRequests":{"a":5})").ends_with("one of the inputs it wants is no request"));
    CHECK(told(R"(,"inputRequests":{"a":{"method":"ping"}})").ends_with("is no request"));
    CHECK(told(R"(,"inputRequests":{"a":{"method":"sampling/createMessage","params":{}}})") ==
          "this client has no sampling/createMessage");
    CHECK(
        told(R"(,"inputRequests":{"a":{"method":"elicitation/create","params":{"mode":"url"}}})") ==
        "only forms can be filled in");
    CHECK(told(R"(,"inputRequests":{"a":)" + form + R"(,"b":)" + form + R"(,"c":)" + form + "}")
              .ends_with("it wants more than 2 inputs at once"));
}

TEST_CASE("a server may ask for input so often and no more, and only where it may ask at all") {
    std::string const again = R"("result":{"resultType":"input_required","requestState":"s"})";
    mcp::client_options options;
    options.max_rounds = 2;
    setting enough{true, options};
    enough.server->answers = {{again}, {again}, {said("done")}};
    CHECK(enough.call() == "done");
    setting endless{true, options};
    endless.server->answers = {{again}, {again}, {again}, {said("never")}};
    CHECK(endless.call() ==
          "the MCP server's answer is not as it should be: it asks for input for the 3th time");

    setting elsewhere{true};
    elsewhere.server->answers = {{again}};
    elsewhere.with([&](mcp::client& one) -> asio::awaitable<void> {
        auto const got = co_await one.list_tools();
        CHECK(got.error().reason() == "bad_answer");
    });
}

TEST_CASE("a legacy server's requests are answered, each with its id") {
    mcp::client_options options;
    options.elicitation = accept_form;
    options.sampling = [](bj::object const& params) -> asio::awaitable<result<bj::object>> {
        if (params.contains("bad")) co_return rejection{rejection_code::bad_request, "bad params"};
        if (params.contains("no"))
            co_return rejection{rejection_code::forbidden, "the user said no"};
        if (params.contains("throw")) throw std::runtime_error{"secret"};
        co_await rest();
        co_return object(R"({"role":"assistant"})");
    };
    options.roots = [] { return bj::array{}; };
    setting with{false, options};
    with.with([&](mcp::client&) -> asio::awaitable<void> {
        for (
            std::string_view const rest :
            {R"(1,"method":"ping")", R"("b","method":"roots/list","params":{})",
             R"(3,"method":"sampling/createMessage","params":{"maxTokens":1}})",
             R"(4,"method":"elicitation/create","params":{"mode":"form","message":"m","requestedSchema":{"type":"object","properties":{"n":{"default":1}}}}})",
             R"(5,"method":"elicitation/create","params":{"mode":"url","url":"http://x"})",
             R"(6,"method":"tasks/get","params":{}})",
             R"(7,"method":"sampling/createMessage","params":{"bad":1})",
             R"(8,"method":"sampling/createMessage","params":{"no":1})",
             R"(9,"method":"sampling/createMessage","params":{"throw":1})"}) {
            std::string text = R"({"jsonrpc":"2.0","id":)" + std::string{rest};
            while (std::count(text.begin(), text.end(), '{') >
                   std::count(text.begin(), text.end(), '}'))
                text += '}';
            with.server->say(text);
        }
        for (int i = 0; i != 10; ++i) co_await rest();
    });
    std::map<std::string, std::string> answers;
    for (std::size_t i = 0; i != with.server->others.size(); ++i) {
        bj::object const one = with.server->other(i);
        answers[text_of(one.at("id"))] =
            text_of(one.contains("result") ? one.at("result") : one.at("error"));
    }
    CHECK(answers.size() == 9);
    CHECK(answers["1"] == "{}");
    CHECK(answers["\"b\""] == R"({"roots":[]})");
    CHECK(answers["3"] == R"({"role":"assistant"})");
    CHECK(answers["4"] == R"({"action":"accept","content":{"name":"Ada","n":1}})");
    CHECK(answers["5"] == R"({"code":-32602,"message":"only forms can be filled in"})");
    CHECK(answers["6"] == R"({"code":-32601,"message":"this client has no tasks/get"})");
    CHECK(answers["7"] == R"({"code":-32602,"message":"bad params"})");
    CHECK(answers["8"] == R"({"code":-1,"message":"the user said no"})");
    CHECK(answers["9"] == R"({"code":-32603,"message":"the client's handler failed"})");
}

TEST_CASE("what a client cannot do is refused when a server asks for it") {
    setting with{false};
    with.with([&](mcp::client&) -> asio::awaitable<void> {
        for (std::string_view const method :
             {"sampling/createMessage", "elicitation/create", "roots/list", "nonsense"})
            with.server->say(R"({"jsonrpc":"2.0","id":1,"method":")" + std::string{method} +
                             R"("})");
        co_await rest();
        co_await rest();
    });
    REQUIRE(with.server->others.size() == 4);
    for (std::size_t i = 0; i != 4; ++i)
        CHECK(with.server->other(i).at("error").at("code") == -32601);
}

TEST_CASE("a handler has its time, ends with its request, and too many requests are refused") {
    int ended = 0;
    mcp::client_options options;
    options.max_server_requests = 2;
    options.handler_time = 40ms;
    options.sampling = [&](bj::object const&) -> asio::awaitable<result<bj::object>> {
        struct end {
            int& count;
            ~end() { ++count; }
        } const at_end{ended};
        co_await rest(10s);
        co_return bj::object{};
    };
    setting with{false, options};
    with.with([&](mcp::client&) -> asio::awaitable<void> {
        for (std::string_view const id : {"1", "2", "3"})
            with.server->say(R"({"jsonrpc":"2.0","id":)" + std::string{id} +
                             R"(,"method":"sampling/createMessage","params":{}})");
        co_await rest(5ms);
        with.server->say(
            R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})");
        co_await rest(100ms);
        for (int i = 0; i != 40; ++i)
            with.server->say(R"({"jsonrpc":"2.0","id":)" + std::to_string(100 + i) +
                             R"(,"method":"ping"})");
        co_await rest(5ms);
    });
    CHECK(ended == 2);
    REQUIRE(with.server->others.size() == 2 + 8);
    CHECK(with.server->other(0).at("id") == 3);
    CHECK(with.server->other(0).at("error").at("message") == "too many requests at once");
    CHECK(with.server->other(1).at("id") == 2);
    CHECK(with.server->other(1).at("error").at("message") == "the client took too long to answer");
    CHECK(with.strays == 32); // beyond four times the limit nothing is answered
}

TEST_CASE("a modern server's requests are not answered, since it must not make any") {
    setting with{true};
    with.with([&](mcp::client&) -> asio::awaitable<void> {
        with.server->say(R"({"jsonrpc":"2.0","id":1,"method":"ping"})");
        co_await rest();
        co_await rest();
    });
    CHECK(with.server->others.empty());
    CHECK(with.strays == 1);
}
