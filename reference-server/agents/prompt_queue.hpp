// Prompts that wait for a host to fetch them, and the answers that hosts bring: what `AGENT=mcp-pull` is made of.
#pragma once

#include "mcp_provider/agent/delta.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

/// Bounds of a queue, in number and in time.
struct prompt_limits {
    std::size_t max_prompts = 64;      ///< that wait or are being answered
    std::size_t max_hosts = 64;        ///< that wait for a prompt
    std::size_t max_remembered = 4096; ///< ids of prompts that are over, for a precise refusal
    std::size_t max_answer_bytes = 4 * 1024 * 1024;
    unsigned max_times_given = 3; ///< to how many hosts one prompt is given before it fails
    /// How long a host may be silent before its prompt is given to the next one, too.
    std::chrono::milliseconds lease_time{20'000};
    std::chrono::milliseconds request_time{30'000}; ///< until a host has come, or a whole answer
    std::chrono::milliseconds stream_time{60'000};  ///< between two pieces of a streamed answer
};

/// Where an answer goes. Called with the queue locked: it must not wait, nor call the queue.
class answer_sink {
public:
    answer_sink() = default;
    answer_sink(answer_sink const&) = delete;
    answer_sink& operator=(answer_sink const&) = delete;
    virtual ~answer_sink() = default;

    virtual void opened() = 0;
    /// Whether more may come; not so where the text has ended the answer (a stop sequence).
    virtual bool text(std::string_view piece) = 0;
    virtual void finished(agent::finish_reason reason) = 0;
    virtual void failed(rejection why) = 0;
};

/// What a host is given. `id` is its own: another host that is given the same prompt knows another one.
struct given_prompt {
    std::string id;
    std::shared_ptr<std::string const> text; ///< the prompt as the members of a JSON object
    std::chrono::seconds time_left{0};
};

/// What became of what a host has brought.
enum class delivery_verdict : std::uint8_t {
    accepted,
    unknown,   ///< no such id
    answered,  ///< this host has finished its answer before
    taken,     ///< another host was first
    cancelled, ///< the client has left
    expired,   ///< its time was over, and the client was told so
    too_long,  ///< the answer is longer than answers may be; the client was told so
};

/// First come, first served on both sides: the prompt that waits longest goes to the host that waits longest. A prompt
/// whose host falls silent is given to the next host as well; whoever brings the first piece of an answer has won it, and
/// brings the rest. No prompt is answered twice, and none waits for ever.
/// *Thread safety*: safe. Time only passes in `expire` and in the times that callers give.
class prompt_queue {
public:
    explicit prompt_queue(prompt_limits limits = {}) : limits_{limits} {}
    prompt_queue(prompt_queue const&) = delete;
    prompt_queue& operator=(prompt_queue const&) = delete;

    // --- the client's side

    /// Adds a prompt; returns the number by which it is withdrawn. *Errors*: `overloaded` where there are too many.
    [[nodiscard]] result<std::uint64_t> add(std::string text, bool streamed,
                                            std::shared_ptr<answer_sink> to, steady_time now);
    /// The client has left. Nothing where the prompt is over.
    void withdraw(std::uint64_t number);

    // --- the hosts' side

    /// A host that waits; it keeps its place until it goes, or has been given a prompt.
    class place;
    /// Takes a place at the end of the line. `wake` is called once, on any thread and with the queue locked, when there is
    /// a prompt to be taken. Null where too many wait.
    [[nodiscard]] std::unique_ptr<place> wait(std::function<void()> wake, steady_time now);

    delivery_verdict append(std::string_view id, std::string_view text, steady_time now);
    delivery_verdict submit(std::string_view id, std::string_view text,
                            agent::finish_reason reason);
    delivery_verdict fail(std::string_view id, std::string_view reason);
    /// The host that was given this prompt is gone for certain: the next one gets it at once.
    void give_back(std::string_view id, steady_time now);

    /// The text of a prompt that this host may still answer; null where it may not.
    [[nodiscard]] std::shared_ptr<std::string const> text_of(std::string_view id) const;

    // --- time

    /// Looks for what has waited too long. To be called a few times a second.
    void expire(steady_time now);
    /// Fails all prompts: the server stops.
    void close();

    [[nodiscard]] std::size_t prompts() const;
    [[nodiscard]] std::size_t waiting_prompts() const;
    [[nodiscard]] std::size_t waiting_hosts() const;

private:
    struct prompt {
        std::shared_ptr<std::string const> text;
        std::shared_ptr<answer_sink> to;
        bool streamed = false;
        steady_time deadline{};
        unsigned times_given = 0;
        std::string winner;              ///< the lease that answers; empty while none does
        std::vector<std::string> leases; ///< that may still answer
        std::size_t answer_bytes = 0;
        bool waits = true; ///< whether it is in `waiting_`
    };
    struct lease {
        std::uint64_t number;
        steady_time until;
        bool silent = false; ///< its time has passed, and the prompt was offered again
    };
    using prompt_table = std::map<std::uint64_t, prompt>;

    void leave(place& one);
    void tell_time(steady_time now) { now_ = std::max(now_, now); }
    std::optional<given_prompt> take(place& one);
    void match();
    given_prompt give(std::uint64_t number, prompt& one);
    void offer_again(std::uint64_t number, prompt& one);
    /// The prompt that this lease may answer, once all others are shut out; null with the verdict otherwise.
    prompt_table::iterator win(std::string_view id, delivery_verdict& verdict);
    void end(prompt_table::iterator at, delivery_verdict how_for_others,
             delivery_verdict how_for_winner);
    void end_failed(prompt_table::iterator at, delivery_verdict how, rejection why);
    void remember(std::string id, delivery_verdict how);
    void drop_lease(prompt& from, std::string_view id);
    delivery_verdict add_text(prompt_table::iterator at, std::string_view text, bool& goes_on);

    prompt_limits const limits_;
    mutable std::mutex mutex_; // guards all below
    steady_time now_{};        ///< the latest that a caller has told
    std::uint64_t last_number_ = 0;
    prompt_table prompts_;
    std::deque<std::uint64_t> waiting_; ///< numbers, oldest first
    std::unordered_map<std::string, lease> leases_;
    std::list<place*> hosts_; ///< that wait and have not been given a prompt, oldest first
    std::unordered_map<std::string, delivery_verdict> over_;
    std::deque<std::string> over_in_order_;
    bool closed_ = false;
};

/// *Thread safety*: used on one thread, like its host. *Lifetime*: the queue must outlive it.
class prompt_queue::place {
public:
    place(prompt_queue& in, std::function<void()> wake) : in_{in}, wake_{std::move(wake)} {}
    place(place const&) = delete;
    place& operator=(place const&) = delete;
    /// A prompt that was given and not taken goes to the next host.
    ~place() { in_.leave(*this); }

    /// The prompt, if one has been given. The host answers for it from now on.
    [[nodiscard]] std::optional<given_prompt> take() { return in_.take(*this); }

private:
    friend class prompt_queue;

    prompt_queue& in_;
    std::function<void()> wake_;
    std::optional<given_prompt> given_;
};

} // namespace mcp_provider::server::agents
