#include "agents/city_names.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using mcp_provider::server::agents::city_names;
using names = std::vector<std::string>;

TEST_CASE("city_names finds what follows a preposition") {
    CHECK(city_names("What is the weather in Paris?") == names{"Paris"});
    CHECK(city_names("What's the weather like in Boston today?") == names{"Boston"});
    CHECK(city_names("weather for Berlin, please") == names{"Berlin"});
    CHECK(city_names("Tell me the weather in \"Oslo\".") == names{"Oslo"});
    CHECK(city_names("What is the weather in New York right now?") == names{"New York"});
}

TEST_CASE("city_names splits lists") {
    CHECK(city_names("What is the weather in Paris and London?") == names{"Paris", "London"});
    CHECK(city_names("Weather in Paris, London, and Tokyo?") == names{"Paris", "London", "Tokyo"});
    CHECK(city_names("Compare the weather in Paris with the weather in Rome") ==
          names{"Paris", "Rome"});
    CHECK(city_names("weather in Paris and in Paris") == names{"Paris"});
}

TEST_CASE("city_names keeps names of several words together") {
    CHECK(city_names("the weather in San Francisco, CA and Boston, MA?") ==
          names{"San Francisco, CA", "Boston, MA"});
    CHECK(city_names("weather in Rio de Janeiro?") == names{"Rio de Janeiro"});
    CHECK(city_names("weather in Isle of Man?") == names{"Isle of Man"});
    CHECK(city_names("How is the weather in \xc3\x9cr\xc3\xbcmqi?") ==
          names{"\xc3\x9cr\xc3\xbcmqi"});
}

TEST_CASE("city_names falls back on lower-case and on capitalised names") {
    CHECK(city_names("what is the weather in paris and rome today?") == names{"paris", "rome"});
    CHECK(city_names("Paris weather?") == names{"Paris"});
    CHECK(city_names("Will Madrid have good weather?") == names{"Madrid"});
    CHECK(city_names("how is the weather?").empty());
    CHECK(city_names("").empty());
}
