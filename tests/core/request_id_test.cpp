#include "mcp_provider/core/request_id.hpp"

#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;

TEST_CASE("a request_id is req_ and 22 hexadecimal digits") {
    for (int i = 0; i != 100; ++i) {
        auto const id = request_id::next();
        CHECK(id.text().size() == 26);
        CHECK(id.text().starts_with("req_"));
        CHECK(id.text().find_first_not_of("0123456789abcdef", 4) == std::string_view::npos);
    }
}

TEST_CASE("request_ids differ, also between eight threads") {
    std::mutex mutex;
    std::set<std::string> all;
    std::vector<std::thread> threads;
    for (int t = 0; t != 8; ++t)
        threads.emplace_back([&] {
            std::vector<std::string> own;
            for (int i = 0; i != 2000; ++i) own.emplace_back(request_id::next().text());
            std::lock_guard const lock{mutex};
            all.insert(own.begin(), own.end());
        });
    for (auto& one : threads) one.join();

    CHECK(all.size() == 16'000);
}
