// Hands the deltas of an answer from the thread that makes them to the connection that sends them.
#pragma once

#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/agent/delta.hpp"
#include "mcp_provider/core/rejection.hpp"

#include <asio/any_io_executor.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace mcp_provider::server::agents {

/// One answer on its way between two threads: whoever reads an agent's process, a link or a host
/// produces, the connection of the client consumes. It is bounded by the producer's manners: it asks
/// `has_room` before it reads on, and is told by `on_room`. *Thread safety*: the producer's functions
/// may be called from any thread, those of the stream from the connection's. *Lifetime*: the
/// connection's context must outlive its stream, the producer's executor this object.
class delta_channel final : public std::enable_shared_from_this<delta_channel> {
public:
    /// Beyond so many waiting bytes the producer shall read no further.
    static constexpr std::size_t enough_bytes = 64 * std::size_t{1024};

    /// Both functions are called on `producer`, never after `forget_producer`.
    /// `on_room`: the client has taken what waited, after `has_room` had said no.
    /// `on_abandoned`: the client left before the end; what makes the answer must stop.
    delta_channel(asio::any_io_executor producer, std::function<void()> on_room,
                  std::function<void()> on_abandoned);

    /// Appends a piece; its texts are copied. `finished` ends the answer; what follows it, or a
    /// failure, or comes after the client has left, is dropped.
    void push(agent::delta const& piece);
    /// Ends the answer with a refusal, behind the pieces that wait.
    void fail(rejection why);
    /// Whether the producer may go on; where not, `on_room` is called once.
    [[nodiscard]] bool has_room();
    /// Whether nothing more is wanted: the answer has ended, or the client has left.
    [[nodiscard]] bool closed() const;
    /// To be called on the producer's executor, before what the two functions use is gone.
    void forget_producer();

    /// The reader's end; to be called once.
    [[nodiscard]] std::unique_ptr<agent::delta_stream> stream();

private:
    class reader;
    class waker;

    /// A piece, and how many bytes of the batch are its texts.
    struct entry {
        agent::delta piece;
        std::size_t text;
        std::size_t id;
        std::size_t name;
    };
    struct batch {
        std::vector<entry> entries;
        std::string bytes;

        void clear() noexcept {
            entries.clear();
            bytes.clear();
        }
        [[nodiscard]] std::size_t size() const noexcept {
            return bytes.size() + entries.size() * sizeof(entry);
        }
    };

    void wake(std::shared_ptr<waker> one);

    asio::any_io_executor const producer_;
    std::function<void()> on_room_;
    std::function<void()> on_abandoned_;

    mutable std::mutex mutex_; // guards all below
    batch waiting_;
    std::optional<rejection> failure_;
    std::shared_ptr<waker> sleeper_; ///< of the reader, while it waits
    bool ended_ = false;
    bool abandoned_ = false;
    bool stalled_ = false; ///< the producer waits for room
};

} // namespace mcp_provider::server::agents
