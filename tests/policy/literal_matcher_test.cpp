#include "mcp_provider/policy/literal_matcher.hpp"

#include <algorithm>
#include <cstddef>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

std::multiset<std::size_t> found_in(literal_matcher const& matcher, std::string_view text,
                                    std::size_t piece = 1000) {
    std::multiset<std::size_t> found;
    auto at = literal_matcher::start;
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
        at = matcher.feed(at, text.substr(0, piece), [&](std::size_t word) { found.insert(word); });
    return found;
}

} // namespace

TEST_CASE("literal_matcher finds every word, also inside and across others") {
    literal_matcher const matcher{{"he", "she", "hers", "his"}};

    CHECK(found_in(matcher, "ushers") == std::multiset<std::size_t>{0, 1, 2});
    CHECK(found_in(matcher, "hishe") == std::multiset<std::size_t>{3, 1, 0});
    CHECK(found_in(matcher, "nothing").empty());
    CHECK(found_in(matcher, "").empty());
}

TEST_CASE("literal_matcher does not regard the case of ASCII letters, on either side") {
    literal_matcher const matcher{{"<Script", "import os"}};

    CHECK(found_in(matcher, "<sCRIPT>") == std::multiset<std::size_t>{0});
    CHECK(found_in(matcher, "IMPORT OS") == std::multiset<std::size_t>{1});
    CHECK(found_in(matcher, "\xC3\x89 import\tos").empty());
}

TEST_CASE("literal_matcher finds a word that comes byte by byte") {
    literal_matcher const matcher{{"<script", "exec("}};

    CHECK(found_in(matcher, "a <<script> exexec(", 1) == std::multiset<std::size_t>{0, 1});
}

TEST_CASE("literal_matcher finds one word that is there twice, and the same word given twice") {
    literal_matcher const matcher{{"aa", "aa"}};

    CHECK(found_in(matcher, "aaa") == std::multiset<std::size_t>{0, 0, 1, 1});
}

TEST_CASE("literal_matcher agrees with a naive search on random texts of few letters") {
    std::mt19937 random{5};
    auto const text_of = [&](std::size_t size) {
        std::string text;
        for (std::size_t i = 0; i != size; ++i) text += "abAB\xFF"[random() % 5];
        return text;
    };
    for (int round = 0; round != 300; ++round) {
        std::vector<std::string> words;
        for (std::size_t left = 1 + random() % 6; left != 0; --left)
            words.push_back(text_of(1 + random() % 4));
        std::string const text = text_of(random() % 60);
        auto const lower = [](std::string one) {
            for (char& c : one) c = http::to_lower(c);
            return one;
        };
        std::multiset<std::size_t> expected;
        for (std::size_t w = 0; w != words.size(); ++w)
            for (std::size_t at = lower(text).find(lower(words[w])); at != std::string::npos;
                 at = lower(text).find(lower(words[w]), at + 1))
                expected.insert(w);

        literal_matcher const matcher{words};
        REQUIRE(found_in(matcher, text) == expected);
        REQUIRE(found_in(matcher, text, 1 + random() % 3) == expected);
    }
}

TEST_CASE("literal_matcher scans a long text as it feeds one, wherever a word lies and however "
          "many words there are") {
    std::mt19937 random{7};
    std::vector<std::vector<std::string>> const lists{
        {"<script", "<?php", "exec(", "eval(", "import os"},
        {"mpmp", "pm", "m(p"},
        {"a long one that reaches over more than a block of sixty-four bytes, and then some"},
        {"m"},
        {"ab", "bc", "cd", "de", "ef", "fg", "gh", "hi", "ij", "jk"}};
    for (auto const& words : lists) {
        literal_matcher const matcher{words};
        for (int round = 0; round != 400; ++round) {
            std::string text;
            while (text.size() < random() % 400) {
                if (random() % 16 == 0) text += words[random() % words.size()];
                text += std::string{"mp( <eExX"}[random() % 9];
            }
            std::multiset<std::size_t> scanned;
            matcher.scan(text, [&](std::size_t word) { scanned.insert(word); });
            REQUIRE(scanned == found_in(matcher, text));
        }
    }
}

TEST_CASE("literal_matcher scans for a word at each place of a block, in either case") {
    literal_matcher const matcher{{"Import OS", "eval("}};
    for (std::size_t at = 0; at != 200; ++at) {
        std::string text(211, '.');
        text.replace(at, 9, at % 2 == 0 ? "iMPORT oS" : "import os");
        std::multiset<std::size_t> scanned;
        matcher.scan(text, [&](std::size_t word) { scanned.insert(word); });
        REQUIRE(scanned == std::multiset<std::size_t>{0});
    }
}

TEST_CASE("literal_matcher of no words finds nothing, and takes no empty word") {
    CHECK(found_in(literal_matcher{{}}, "text").empty());
    CHECK_THROWS_AS((literal_matcher{{"a", ""}}), std::invalid_argument);
}

TEST_CASE("literal_matcher takes words of every byte") {
    std::string every;
    for (int c = 0; c != 256; ++c) every += static_cast<char>(c);
    literal_matcher const matcher{{every}};

    CHECK(found_in(matcher, every) == std::multiset<std::size_t>{0});
}
