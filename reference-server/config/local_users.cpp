#include "config/local_users.hpp"

#include "config/words.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace mcp_provider::server {

namespace {

std::optional<std::uint32_t> id_of(std::string const& name) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> room(16 * 1024); // more than sysconf(_SC_GETPW_R_SIZE_MAX) ever says
    if (getpwnam_r(name.c_str(), &entry, room.data(), room.size(), &found) != 0 || found == nullptr)
        return std::nullopt;
    return entry.pw_uid;
}

} // namespace

local_user_list read_local_users(std::string_view text) {
    local_user_list list;
    std::vector<std::string> const words = split(text, ',');
    for (std::string const& word : words) {
        std::uint32_t id = 0;
        bool const digits = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
            return c >= '0' && c <= '9';
        });
        if (word.empty()) return {{}, "has an empty item"};
        if (word == "none") {
            if (words.size() > 1) return {{}, "says none beside other users"};
            return {};
        }
        if (word == "self") {
            id = geteuid();
        } else if (digits) {
            auto const [end, failure] = std::from_chars(word.data(), word.data() + word.size(), id);
            // The largest number means "no user" to the kernel.
            if (failure != std::errc{} || id == std::numeric_limits<std::uint32_t>::max())
                return {{}, "has the user id " + word + ", which is out of range"};
        } else if (auto const known = id_of(word)) {
            id = *known;
        } else {
            return {{}, "names the user " + word + ", whom this system does not know"};
        }
        if (std::find(list.ids.begin(), list.ids.end(), id) == list.ids.end())
            list.ids.push_back(id);
    }
    return list;
}

} // namespace mcp_provider::server
