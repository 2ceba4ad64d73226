#include "agents/scratch_directory.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

namespace mcp_provider::server::agents {

std::error_code scratch_directory::make(std::filesystem::path const& parent,
                                        scratch_directory& into) {
    if (::mkdir(parent.c_str(), 0700) != 0 && errno != EEXIST)
        return {errno, std::system_category()};
    std::string pattern = (parent / "agent.XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) return {errno, std::system_category()};
    scratch_directory made;
    made.path_ = std::move(pattern);
    into = std::move(made);
    return {};
}

} // namespace mcp_provider::server::agents
