#include "config/load.hpp"
#include "config/temporary_directory.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include <doctest/doctest.h>

using namespace mcp_provider::server;

namespace {

std::filesystem::path golden_folder() {
    char const* const tests = std::getenv("MCP_PROVIDER_TESTS");
    std::filesystem::path const root = tests != nullptr
                                           ? std::filesystem::path{tests} / "config"
                                           : std::filesystem::path{__FILE__}.parent_path();
    return root / "golden";
}

std::string content_of(std::filesystem::path const& file) {
    std::ifstream in{file, std::ios::binary};
    REQUIRE_MESSAGE(in.good(), file.string());
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// What check-config would print, with the folder's name taken out.
std::string problems_of(std::filesystem::path const& file) {
    temporary_directory const state;
    sources from;
    from.environment = {{"STATE_DIR", state.path().string()}};
    from.env_file = file.extension() == ".env" ? file : std::filesystem::path{"/dev/null"};
    from.security_file = file.extension() == ".yaml" ? file : std::filesystem::path{"/dev/null"};
    std::ostringstream out;
    print(out, load(from, run_mode::serve).problems, false);
    std::string text = out.str();
    std::string const folder = file.parent_path().string() + "/";
    for (std::size_t at; (at = text.find(folder)) != std::string::npos;)
        text.erase(at, folder.size());
    return text;
}

} // namespace

TEST_CASE("bad files give exactly the problems that stand beside them") {
    std::size_t files = 0;
    for (auto const& entry : std::filesystem::directory_iterator{golden_folder()}) {
        std::filesystem::path const& file = entry.path();
        if (file.extension() == ".expected") continue;
        ++files;
        CAPTURE(file.string());
        CHECK(problems_of(file) == content_of(file.string() + ".expected"));
    }
    CHECK(files >= 4);
}

TEST_CASE("no problem of a file with secrets shows one") {
    CHECK(problems_of(golden_folder() / "secrets.env").find("canary") == std::string::npos);
}
