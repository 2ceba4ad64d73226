#include "ollama/asking.hpp"
#include "ollama/invariants.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace ollama_tests;

constexpr int mutations = 10'000;

/// Bodies that clients send; each is accepted by at least one endpoint.
constexpr std::string_view bodies[] = {
    R"({"model":"all","messages":[{"role":"system","content":"s"},{"role":"user","content":"u","images":["/9j/"]}],)"
    R"("options":{"temperature":0.2,"num_predict":10,"stop":["a"]},"keep_alive":1800,"stream":true})",
    R"({"model":"all","messages":[{"role":"assistant","content":"","thinking":"t","tool_calls":[{"id":"1","function":)"
    R"({"name":"f","arguments":{"a":[1,2]}}}]},{"role":"tool","tool_name":"f","content":"r"}],"think":"low",)"
    R"("tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"properties":{"a":{}}}}}],)"
    R"("tool_choice":"auto","format":{"type":"object"},"logprobs":false,"top_logprobs":0})",
    R"({"model":"all","prompt":"p","suffix":"s","options":{"stop":[],"num_predict":300,"seed":-1},"raw":true,"stream":true})",
    R"({"model":"all","prompt":"p","system":"s","context":[1,2],"images":["/9j/"],"format":"json","keep_alive":"5m"})",
    R"({"model":"vectors","input":["a","b"],"truncate":true,"dimensions":3})",
    R"({"name":"all","verbose":true,"insecure":false})",
};

/// What stands in the place of something else.
constexpr std::string_view strangers[] = {"null",
                                          "true",
                                          "0",
                                          "-1",
                                          "-2",
                                          "5",
                                          "1e300",
                                          "-0.5",
                                          "18446744073709551615",
                                          "\"\"",
                                          "\"x\"",
                                          "\"json\"",
                                          "\"data:image/png;base64,AA==\"",
                                          "[]",
                                          "[null]",
                                          "[[]]",
                                          "{}",
                                          R"({"a":{"b":[]}})",
                                          "\"\\u0000\"",
                                          "\"a b\""};

class strange_body {
public:
    explicit strange_body(unsigned seed) : random_{seed} {}

    boost::json::value next() {
        auto document = *mcp_provider::json::parse(bodies[below(std::size(bodies))]);
        for (std::size_t edit = 0, edits = 1 + below(3); edit != edits; ++edit)
            replace_somewhere(document);
        return document;
    }

    std::size_t below(std::size_t bound) { return random_() % bound; }

private:
    /// Walks down a random way and puts something else where it ends.
    void replace_somewhere(boost::json::value& at) {
        if (auto* const object = at.if_object();
            object != nullptr && !object->empty() && below(8) != 0) {
            auto const member = object->begin() + below(object->size());
            if (below(10) == 0)
                object->erase(member);
            else
                replace_somewhere(member->value());
        } else if (auto* const list = at.if_array();
                   list != nullptr && !list->empty() && below(8) != 0) {
            if (below(10) == 0)
                list->push_back(list->front());
            else
                replace_somewhere((*list)[below(list->size())]);
        } else {
            at = *mcp_provider::json::parse(strangers[below(std::size(strangers))]);
        }
    }

    std::mt19937 random_;
};

} // namespace

TEST_CASE("10,000 bodies with strangers in them are refused with a place and a reason, or are as "
          "promised") {
    auto const rules = allowed();
    strange_body make{20'261'123};
    for (int i = 0; i != mutations; ++i) {
        auto const document = make.next();
        std::string_view const broken = broken_promise_of_any(document, rules);
        if (broken.empty()) continue;
        CAPTURE(boost::json::serialize(document));
        FAIL_CHECK("broken: " << std::string{broken});
    }
}

TEST_CASE("10,000 bodies with bytes changed are refused with a reason, or are as promised") {
    auto const rules = allowed();
    strange_body make{4711};
    int accepted_by_parser = 0;
    for (int i = 0; i != mutations; ++i) {
        std::string body{bodies[make.below(std::size(bodies))]};
        for (std::size_t edit = 0, edits = 1 + make.below(3); edit != edits; ++edit)
            body[make.below(body.size())] = static_cast<char>(make.below(256));
        auto const document = mcp_provider::json::parse(body);
        if (!document) {
            CHECK(document.error().status() == 400);
            continue;
        }
        ++accepted_by_parser;
        CAPTURE(body);
        CHECK(broken_promise_of_any(*document, rules) == "");
    }
    CHECK(accepted_by_parser > 100); // else the mutations were too coarse to test anything
    CHECK(accepted_by_parser < mutations);
}

TEST_CASE("the bodies that are mutated are good ones") {
    namespace ollama = mcp_provider::server::ollama;
    CHECK(read<ollama::chat_request>(bodies[0]));
    CHECK(read<ollama::chat_request>(bodies[1]));
    CHECK(read<ollama::generate_request>(bodies[2]));
    CHECK(read<ollama::generate_request>(bodies[3]));
    CHECK(read<ollama::embed_request>(bodies[4]));
    CHECK(read<ollama::show_request>(bodies[5]));
}
