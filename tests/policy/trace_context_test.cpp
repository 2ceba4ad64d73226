#include "mcp_provider/policy/trace_context.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace mcp_provider;

TEST_CASE("trace_id_of takes a well-formed traceparent and nothing else") {
    std::string const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    CHECK(trace_id_of(good) == "4bf92f3577b34da6a3ce929d0e0e4736");
    CHECK(trace_id_of("cc" + good.substr(2) + "-more") == "4bf92f3577b34da6a3ce929d0e0e4736");

    CHECK(trace_id_of("").empty());
    CHECK(trace_id_of(good + "-more").empty());
    CHECK(trace_id_of("cc" + good.substr(2) + "more").empty());
    CHECK(trace_id_of("ff" + good.substr(2)).empty());
    CHECK(trace_id_of(good.substr(1)).empty());
    CHECK(trace_id_of("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01").empty());
    CHECK(trace_id_of("00-00000000000000000000000000000000-00f067aa0ba902b7-01").empty());
    CHECK(trace_id_of("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01").empty());
    CHECK(trace_id_of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g").empty());
    CHECK(trace_id_of("00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").empty());
}
