#include "config/local_users.hpp"

#include <pwd.h>
#include <unistd.h>

#include <doctest/doctest.h>

using namespace mcp_provider::server;

using ids = std::vector<std::uint32_t>;

TEST_CASE("local users are self, none, ids and names, each once") {
    std::uint32_t const me = geteuid();
    CHECK(read_local_users("self").ids == ids{me});
    CHECK(read_local_users("none").ids.empty());
    CHECK(read_local_users("none").complaint.empty());
    CHECK(read_local_users("root").ids == ids{0});
    CHECK(read_local_users(" 4711 , root ,4711").ids == ids{4711, 0});
    CHECK(read_local_users("self," + std::to_string(me)).ids == ids{me});
    CHECK(read_local_users("4294967294").ids == ids{4294967294U});
}

TEST_CASE("a list with something else in it lets nobody in") {
    struct {
        std::string_view text;
        std::string_view complaint;
    } const cases[] = {
        {"none,root", "says none beside other users"},
        {"root,none", "says none beside other users"},
        {"root,", "has an empty item"},
        {",", "has an empty item"},
        {"no-such-user-here", "names the user no-such-user-here, whom this system does not know"},
        {"-1", "names the user -1, whom this system does not know"},
        {"4294967295", "has the user id 4294967295, which is out of range"},
        {"99999999999", "has the user id 99999999999, which is out of range"},
    };
    for (auto const& one : cases) {
        CAPTURE(one.text);
        local_user_list const list = read_local_users(one.text);
        CHECK(list.ids.empty());
        CHECK(list.complaint == one.complaint);
    }
}
