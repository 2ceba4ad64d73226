#include "http/accepted_request.hpp"
#include "http/outcomes.hpp"
#include "http/valid_requests.hpp"
#include "mcp_provider/http/request_parser.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace mcp_provider::http;

TEST_CASE(
    "request_parser accepts no mutation of a right request that breaks a rule, in 10,000 of them") {
    limits small;
    small.max_header_bytes = 600;
    small.max_header_fields = 8;
    small.max_target_bytes = 100;
    request_parser parser{small};
    request in;
    valid_requests::mutator mutator{1};
    std::size_t accepted = 0;
    for (int i = 0; i < 10'000; ++i) {
        std::string const bytes = mutator.next();
        CAPTURE(bytes);
        parser.reset();
        auto const state = parser.feed(bytes);
        if (!state || *state == parse_state::need_more) continue;
        ++accepted;
        parser.fill(in, bytes);
        CHECK(accepted_request::defect(in, bytes, small) == "");
    }
    CHECK(accepted > 1'000); // else the mutations say nothing about what is accepted
    CHECK(accepted < 9'000);
}

TEST_CASE("request_parser gives a mutated request the same answer wherever it is cut") {
    valid_requests::mutator mutator{2};
    for (int i = 0; i < 200; ++i) {
        std::string const bytes = mutator.next();
        CAPTURE(bytes);
        CHECK(outcomes::first_difference(bytes, [](auto input, auto const& lengths) {
                  return outcomes::of_request(input, lengths);
              }) == "");
    }
}
