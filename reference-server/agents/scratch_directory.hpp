// An empty folder for an agent to work in, removed with all that the agent leaves there.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace mcp_provider::server::agents {

/// Owns a folder of mode 0700. *Thread safety*: distinct objects safe, shared objects unsafe.
class scratch_directory {
public:
    scratch_directory() = default;
    scratch_directory(scratch_directory&& other) noexcept : path_{std::exchange(other.path_, {})} {}
    scratch_directory& operator=(scratch_directory&& other) noexcept {
        std::swap(path_, other.path_);
        return *this;
    }
    ~scratch_directory() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }

    /// Makes one in `parent`, which is made where it is missing. *Errors*: what mkdir(2) says.
    [[nodiscard]] static std::error_code make(std::filesystem::path const& parent,
                                              scratch_directory& into);

    [[nodiscard]] std::string const& path() const noexcept { return path_; }

private:
    std::string path_;
};

} // namespace mcp_provider::server::agents
