// What an operator can do to a running server: each action a name, arguments, and a record in the audit log.
#pragma once

#include "config/config.hpp"
#include "incident/state_keeper.hpp"
#include "mcp_provider/audit/sink.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/policy/block_table.hpp"
#include "mcp_provider/session/session_store.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

/// What actions work on besides the tables; what is empty is not there, and its actions are refused.
struct levers {
    std::function<void(log_level, std::chrono::seconds)> raise_log_level; ///< ends by itself
    std::function<boost::json::object(bool dry_run)> reload; ///< configuration and logs
    std::function<boost::json::object(bool dry_run)> rotate_bridge_token;
    std::function<boost::json::object()> verify_audit;
    std::function<boost::json::object()> check_integrity;
    std::function<boost::json::object(bool dry_run)> restart_agent;
    /// Tells the administrators; returns whether there is anybody to tell.
    std::function<bool(std::string_view severity, std::string_view text)> notify;
};

/// The incident playbook (contract security.md §8). The same actions serve `/admin`, the commands, and the automatic
/// responses. Arguments are members of an object; `dry_run` with each changes nothing and says what would be done.
/// *Thread safety*: safe. *Lifetime*: the parts must outlive it.
class playbook {
public:
    struct action {
        std::string_view name; ///< as in `/admin/NAME`
        bool changes;          ///< whether it does more than tell: then it is recorded
        std::string_view doc;  ///< a sentence, with its arguments
    };

    playbook(block_table& blocks, session_store<>& sessions, state_keeper& keeper,
             audit::sink& records, levers with = {})
        : blocks_{blocks}, sessions_{sessions}, keeper_{keeper}, records_{records},
          levers_{std::move(with)} {}
    playbook(playbook const&) = delete;
    playbook& operator=(playbook const&) = delete;

    [[nodiscard]] static std::span<action const> actions() noexcept;
    /// Whether an action of that name is there, and does more than tell.
    [[nodiscard]] static bool changes(std::string_view action) noexcept;

    /// Does it, and leaves an audit record that names `by`. *Errors*: `not_found` for an unknown action, session or
    /// block; `bad_request` with the JSON pointer of what is wrong with the arguments; `conflict` where the server lacks
    /// the part; `internal` where the state cannot be written.
    [[nodiscard]] result<boost::json::object>
    run(std::string_view action, boost::json::object const& arguments, std::string_view by);

private:
    [[nodiscard]] result<boost::json::object> act(std::string_view action,
                                                  boost::json::value const& arguments);
    void record(std::string_view action, boost::json::object const& arguments, std::string_view by,
                result<boost::json::object> const& outcome);

    block_table& blocks_;
    session_store<>& sessions_;
    state_keeper& keeper_;
    audit::sink& records_;
    levers levers_;
};

/// Whom a block may name: an IPv4 or IPv6 address, `uid:N`, or the id of a key. Nothing is wrong: empty.
[[nodiscard]] std::string complaint_about_caller(std::string_view who, bool whole_loopback);

} // namespace mcp_provider::server
