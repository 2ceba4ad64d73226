#include "config/temporary_directory.hpp"
#include "keys/key_file.hpp"
#include "keys/key_store.hpp"

#include <sys/stat.h>

#include <random>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server;

namespace {

key_record record(std::string id, std::uint8_t digest) {
    key_record key;
    key.id = std::move(id);
    key.label = "Zed \"on\" the desk";
    key.token_digest.fill(digest);
    key.may = scope::generate | scope::metrics;
    key.models = {"echo:latest"};
    key.created = moment{std::chrono::seconds{1'795'000'000}};
    return key;
}

std::string why_refused(std::string_view text) {
    try {
        (void)read_keys(text, "keys.json");
    } catch (key_file_error const& failure) {
        return failure.what();
    }
    return {};
}

constexpr std::string_view good_key =
    R"({"id":"key_1","label":"x","sha256":"0000000000000000000000000000000000000000000000000000000000000000",)"
    R"("scopes":["generate"],"models":[],"created":"2026-11-23T00:00:00Z","expires":null,"revoked":null})";

std::string file_with(std::string_view key) {
    return R"({"version":1,"keys":[)" + std::string{key} + "]}";
}

/// The good key with one piece of it replaced.
std::string file_with(std::string_view from, std::string_view to) {
    std::string key{good_key};
    std::size_t const at = key.find(from);
    REQUIRE(at != std::string::npos);
    return file_with(key.replace(at, from.size(), to));
}

} // namespace

TEST_CASE("keys are read as they were written") {
    key_record second = record("key_2", 2);
    second.expires = second.created + std::chrono::hours{1};
    second.revoked = second.created + std::chrono::minutes{1};
    std::vector<key_record> const keys{record("key_1", 1), second};

    CHECK(read_keys(write_keys(keys), "keys.json") == keys);
    CHECK(read_keys(write_keys({}), "keys.json").empty());
}

TEST_CASE("a file that is not a key file is refused, never read as no keys") {
    REQUIRE(read_keys(file_with(good_key), "keys.json").size() == 1);
    struct {
        std::string text;
        std::string_view what;
    } const bad[] = {
        {"", "is damaged"},
        {"{", "is damaged"},
        {"null", "is not ours: it has no version"},
        {"[]", "is not ours: it has no version"},
        {"{}", "is not ours: it has no version"},
        {R"({"keys":[]})", "is not ours: it has no version"},
        {R"({"version":1})", "is not as we write it"},
        {R"({"version":2,"keys":[]})", "is of a version that this program does not know"},
        {R"({"version":"1","keys":[]})", "is not ours"},
        {R"({"version":1,"keys":{}})", "is not as we write it"},
        {R"({"version":1,"keys":[],"more":1})", "a member that this version does not know"},
        {file_with(R"("label")", R"("lable")"), "a member that this version does not know"},
        {file_with(R"("revoked":null)", R"("not_before":null,"revoked":null)"),
         "/keys/0/not_before"},
        {file_with(R"(,"revoked":null)", ""), "/keys/0/revoked"},
        {file_with(R"("expires":null,)", ""), "/keys/0/expires"},
        {file_with(R"("revoked":null)", R"("revoked":false)"), "/keys/0/revoked"},
        {file_with("2026-11-23T00:00:00Z", "yesterday"), "/keys/0/created"},
        {file_with("0000000000\"", "000000000\""), "must be 64 hexadecimal digits"},
        {file_with("0000000000\"", "000000000g\""), "must be 64 hexadecimal digits"},
        {file_with(R"("generate")", R"("everything")"), "/keys/0/scopes/0"},
        {file_with(R"("models":[])", R"("models":[1])"), "/keys/0/models/0"},
        {file_with("key_1", "1"), "must begin with key_"},
        {file_with(std::string{good_key} + "," + std::string{good_key}),
         "stands in another key too"},
    };
    for (auto const& one : bad) {
        CAPTURE(one.text);
        std::string const why = why_refused(one.text);
        CAPTURE(why);
        CHECK(why.find(one.what) != std::string::npos);
        CHECK(why.find("keys.json") != std::string::npos);
    }
}

TEST_CASE("a key file that was cut off anywhere is refused") {
    std::string const whole = write_keys({record("key_1", 1), record("key_2", 2)});

    // The last byte is the line feed after the document.
    for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(why_refused(whole.substr(0, size)).empty());
    }
}

TEST_CASE("a mangled key file is refused or still says something about two keys") {
    std::string const whole = write_keys({record("key_1", 1), record("key_2", 2)});
    std::mt19937 random{20'261'123};
    for (int i = 0; i < 5'000; ++i) {
        std::string text = whole;
        text[random() % text.size()] = static_cast<char>(random() % 256);
        CAPTURE(text);
        if (why_refused(text).empty()) CHECK(read_keys(text, "keys.json").size() == 2);
    }
}

TEST_CASE("a key file that is not there has no keys, one that others can touch is refused") {
    temporary_directory const folder;
    std::filesystem::path const file = folder.path() / "keys.json";
    CHECK(read_key_file(file).keys.empty());

    folder.write("keys.json", write_keys({record("key_1", 1)}));
    CHECK(read_key_file(file).keys.size() == 1);

    for (mode_t const mode : {0640U, 0660U, 0604U, 0602U}) {
        ::chmod(file.c_str(), mode);
        CHECK_THROWS_WITH_AS((void)read_key_file(file), doctest::Contains("chmod 600"),
                             key_file_error);
    }
}

TEST_CASE("a key file beyond 16 MiB, or that is a folder, is refused") {
    temporary_directory const folder;
    folder.write("keys.json", std::string(max_key_file_bytes + 1, ' '));
    CHECK_THROWS_WITH_AS((void)read_key_file(folder.path() / "keys.json"),
                         doctest::Contains("16 MiB"), key_file_error);
    CHECK_THROWS_WITH_AS((void)read_key_file(folder.path()), doctest::Contains("no regular file"),
                         key_file_error);
}
