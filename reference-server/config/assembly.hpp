// Puts a configuration together from values as they are read, then settles what depends on more
// than one of them.
#pragma once

#include "config/config.hpp"
#include "config/document.hpp"
#include "config/load.hpp"
#include "config/problem.hpp"
#include "config/setting.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

/// Where a value was written.
struct origin_of_value {
    std::string file;
    int line = 0;
    std::filesystem::path
        folder; ///< to which `file:PATH` is relative; empty: the working directory
};

/// A configuration in the making; problems go to the list that it was given.
class assembly {
public:
    explicit assembly(std::vector<problem>& problems) : problems_{problems} {}

    /// Reads one value into its member, or says what is wrong with it.
    void assign(setting const& row, node const& value, origin_of_value const& where);

    /// Computes what nobody has set, and checks what one value cannot tell.
    [[nodiscard]] config finish(sources const& from, run_mode mode) &&;

private:
    [[nodiscard]] bool is_given(std::string_view key) const {
        return given_.find(key) != given_.end();
    }
    [[nodiscard]] bool has_problem(std::string_view key) const;
    void complain(std::string_view key, std::string value, std::string message,
                  std::string allowed);
    [[nodiscard]] bool read_secret_file(setting const& row, node& value,
                                        origin_of_value const& where);

    void find_state_directory(sources const& from);
    void check_state_directory();
    void read_bridge_token();
    void find_local_users(run_mode mode);
    void settle_audit(run_mode mode);
    void check_bridge_token(run_mode mode);
    void check_agent();
    void check_mcp_tool();
    void check_ports(run_mode mode);

    std::vector<problem>& problems_;
    config made_;
    std::map<std::string_view, origin_of_value> given_; ///< by the key of the row
};

} // namespace mcp_provider::server
