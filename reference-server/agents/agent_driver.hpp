// What the runtime must know of a kind of agent program: how it is started, asked and stopped.
#pragma once

#include "agents/permission_desk.hpp"
#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/agent/conversation.hpp"
#include "mcp_provider/agent/delta.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/result.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

/// What an agent is told in one turn. Of a session that goes on, only what is new.
class agent_prompt {
public:
    agent_prompt() = default;
    explicit agent_prompt(std::string words) : text{std::move(words)} {}

    std::string model;  ///< as the agent lists it; empty for its own choice
    std::string effort; ///< of reasoning; empty for the default
    std::string
        system; ///< instructions, only for drivers with `takes_system`, and the same in every turn of a session
    /// What was said before `text`, as messages of users and assistants; only for drivers with `takes_history`.
    std::vector<agent::message> history;
    std::string text;
    std::vector<agent::image> images;
};

/// How a turn ended that did not fail.
struct turn_end {
    agent::finish_reason reason = agent::finish_reason::stop;
    agent::usage used; ///< where `used_is_known`; else the runtime estimates
    bool used_is_known = false;
    bool was_cancelled = false; ///< the agent says that it stopped because it was told to
};

/// Takes what an agent says in a turn. Called on the runtime's thread.
class turn_sink {
public:
    turn_sink() = default;
    turn_sink(turn_sink const&) = delete;
    turn_sink& operator=(turn_sink const&) = delete;

    /// A piece of the answer, or of the reasoning. Whole UTF-8 sequences.
    virtual void text(std::string_view piece) = 0;
    virtual void reasoning(std::string_view piece) = 0;
    /// The agent does something that is no text (a tool, a plan): it is alive.
    virtual void at_work() = 0;
    /// May the agent do this? To be awaited within `agent_process::prompt`.
    [[nodiscard]] virtual asio::awaitable<permission_verdict>
    permission(permission_question question) = 0;
    /// Whether the client takes more. A process reads on as long as one of its turns has room, and waits for
    /// `agent_process::read_on` once none has.
    [[nodiscard]] virtual bool has_room() = 0;

protected:
    ~turn_sink() = default;
};

/// A model as an agent lists it.
class agent_model {
public:
    agent_model(std::string its_id, std::string its_title)
        : id{std::move(its_id)}, title{std::move(its_title)} {}

    std::string id;
    std::string title;
};

/// One running agent. Used on the runtime's thread. The runtime keeps it until `run` and every call of it have returned.
class agent_process {
public:
    agent_process() = default;
    agent_process(agent_process const&) = delete;
    agent_process& operator=(agent_process const&) = delete;
    virtual ~agent_process() = default;

    /// Starts the program. *Errors*: `upstream_failed` where it is not installed, saying which command and where it was
    /// looked for.
    [[nodiscard]] virtual result<> launch() = 0;
    /// Reads what it says until it ends or misbehaves; then whatever waits for it fails. Returns why, for the operator.
    /// Called once, after `launch`, and awaited beside everything below.
    [[nodiscard]] virtual asio::awaitable<std::string> run() = 0;
    /// Whether it can be asked anything; false as soon as it has ended or misbehaved, also before `run` returns.
    [[nodiscard]] virtual bool is_usable() const = 0;
    /// Shakes hands, and finds out what it offers. *Errors*: `upstream_failed`: not logged in, another protocol, …
    [[nodiscard]] virtual asio::awaitable<result<>> greet(steady_time until) = 0;

    /// Begins a conversation, and names it. *Errors*: `upstream_failed`, `timed_out`.
    [[nodiscard]] virtual asio::awaitable<result<std::string>>
    open_session(agent_prompt const& first, steady_time until) = 0;
    /// One turn, to its end; it has no deadline of its own. One at a time a session.
    /// *Errors*: `upstream_failed`: the agent reports an error, or is gone.
    [[nodiscard]] virtual asio::awaitable<result<turn_end>>
    prompt(std::string const& session, agent_prompt const& what, turn_sink& into) = 0;
    /// Asks to stop the turn; `prompt` shall return soon.
    virtual void cancel(std::string const& session) = 0;
    /// The conversation will not go on.
    virtual void close_session(std::string const& session) = 0;
    /// A session that must not be continued, for a reason only the driver knows (something came after its turn's end).
    [[nodiscard]] virtual bool is_spoilt(std::string const& session) const = 0;

    /// What `has_room` of a turn says may have changed.
    virtual void read_on() = 0;
    /// Ends it with all its descendants: asks first, or at once.
    virtual void end(bool at_once) = 0;
    /// Waits until it is gone.
    [[nodiscard]] virtual asio::awaitable<bool> gone(steady_time until) = 0;

    /// What it offers, once it was greeted; empty where it lists nothing.
    [[nodiscard]] virtual std::vector<agent_model> models() const = 0;
    /// The abilities it has beside those of every agent (`agent::capability`), once it was greeted.
    [[nodiscard]] virtual std::uint16_t abilities() const { return 0; }
    /// The last of its standard error: for the operator only.
    [[nodiscard]] virtual std::string error_tail() const = 0;
    [[nodiscard]] virtual int id() const = 0;
};

/// A kind of agent. Immutable.
class agent_driver {
public:
    agent_driver() = default;
    agent_driver(agent_driver const&) = delete;
    agent_driver& operator=(agent_driver const&) = delete;
    virtual ~agent_driver() = default;

    [[nodiscard]] virtual std::string_view family() const = 0; ///< `acp`, `codex`, `claude`
    /// Turns that one process may work on at once, each in a session of its own.
    [[nodiscard]] virtual std::size_t parallel_turns() const { return 32; }
    /// Sessions that one process can hold. With 1, a process serves one conversation and is then started anew.
    [[nodiscard]] virtual std::size_t sessions() const { return 1'000; }
    /// Whether instructions are told apart (`agent_prompt::system`), and not as part of the text.
    [[nodiscard]] virtual bool takes_system() const { return false; }
    /// Whether it is told what was said before as messages (`agent_prompt::history`), and not as part of the text.
    [[nodiscard]] virtual bool takes_history() const { return false; }

    /// A process not yet launched, that shall work in `directory`, an empty one of its own.
    [[nodiscard]] virtual std::unique_ptr<agent_process> make(asio::any_io_executor executor,
                                                              std::string directory) const = 0;
};

} // namespace mcp_provider::server::agents
