// A configuration on disk, and what tests ask of loading it.
#pragma once

#include "config/load.hpp"
#include "config/temporary_directory.hpp"

#include <filesystem>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

/// 22 base64 characters: 132 bits.
inline constexpr std::string_view good_token = "Vp3xR7mQ2kZ8tB5nW1cY6h";
/// One less: 126 bits.
inline constexpr std::string_view short_token = "Vp3xR7mQ2kZ8tB5nW1cY6";

/// A folder with the two files, and an environment in which nothing else is set.
struct installation {
    temporary_directory folder;
    mcp_provider::server::sources from;

    explicit installation(std::string_view env = "", std::string_view security = "") {
        from.env_file = folder.write(".env", env);
        from.security_file = folder.write("security.yaml", security);
        from.environment = {{"XDG_STATE_HOME", (folder.path() / "state").string()}};
    }
    [[nodiscard]] std::filesystem::path state() const {
        return folder.path() / "state" / "mcp-local-provider";
    }
};

/// The one problem that loading ended with.
inline mcp_provider::server::problem only_problem(mcp_provider::server::loaded const& outcome) {
    REQUIRE(outcome.problems.size() == 1);
    CHECK(outcome.settings == nullptr);
    return outcome.problems.front();
}
