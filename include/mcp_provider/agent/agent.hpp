// What stands behind a handler: something that answers conversations.
#pragma once

#include "mcp_provider/agent/audited.hpp"
#include "mcp_provider/agent/conversation.hpp"
#include "mcp_provider/agent/delta.hpp"
#include "mcp_provider/core/result.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mcp_provider::agent {

/// An answer on its way. Destroying it stops the agent's work on it.
/// *Thread safety*: used on the thread of the connection that asked.
class delta_stream {
public:
    delta_stream() = default;
    delta_stream(delta_stream const&) = delete;
    delta_stream& operator=(delta_stream const&) = delete;
    virtual ~delta_stream() = default;

    /// The next piece. The first is `opened`, the last `finished`; a rejection ends the stream too, and nothing may be
    /// asked after either. Cancelled through the coroutine's cancellation slot, within 100 ms.
    [[nodiscard]] virtual asio::awaitable<result<delta>> next() = 0;

    /// Whether `next` would complete without waiting.
    [[nodiscard]] virtual bool ready() const noexcept { return false; }

    /// What `next` would return, if that needs no waiting and this stream can tell without a coroutine; else nothing, and
    /// nothing has changed. Who reads a stream asks this first: most pieces are there.
    [[nodiscard]] virtual std::optional<result<delta>> take() { return std::nullopt; }
};

/// What a model can do. A set, as flags, in `model::can`.
namespace capability {
inline constexpr std::uint8_t completion = 1;
inline constexpr std::uint8_t tools = 2;
inline constexpr std::uint8_t insert = 4; ///< fill in the middle: a prompt with a suffix
inline constexpr std::uint8_t embedding = 8;
inline constexpr std::uint8_t vision = 16;
inline constexpr std::uint8_t thinking = 32;
inline constexpr std::uint8_t effort = 64; ///< may be told how hard to think, should it do so
} // namespace capability

/// What a model cannot be told, though most can. A set, as flags, in `model::cannot`.
namespace limitation {
inline constexpr std::uint8_t sampling = 1;   ///< temperature, seed and their like: overlooked
inline constexpr std::uint8_t max_tokens = 2; ///< overlooked
inline constexpr std::uint8_t format = 4;     ///< an answer in JSON, or by a schema: refused
} // namespace limitation

/// A model on offer.
class model {
public:
    model(std::string its_name, std::uint8_t abilities, std::uint64_t window,
          std::string its_family)
        : name{std::move(its_name)}, can{abilities}, context_tokens{window}, family{std::move(
                                                                                 its_family)} {}

    [[nodiscard]] bool has(std::uint8_t what) const noexcept { return (can & what) != 0; }
    [[nodiscard]] bool lacks(std::uint8_t what) const noexcept { return (cannot & what) != 0; }

    std::string name;        ///< with its tag where it has one (`echo:latest`)
    std::uint8_t can;        ///< `capability`
    std::uint8_t cannot = 0; ///< `limitation`
    std::uint64_t context_tokens;
    std::string family;
    std::uint32_t embedding_length = 0;
    std::chrono::system_clock::time_point modified{};
};

/// Texts to be turned into vectors.
class embedding_request {
public:
    embedding_request() = default;
    embedding_request(embedding_request&&) noexcept = default;
    embedding_request& operator=(embedding_request&&) noexcept = default;

    std::string model;
    std::vector<std::string> inputs;
    std::uint32_t dimensions = 0; ///< 0 for the model's own
    bool truncate = true;
};

class embeddings {
public:
    embeddings() = default;
    explicit embeddings(std::vector<std::vector<float>> in_order, std::uint64_t tokens = 0)
        : vectors{std::move(in_order)}, prompt_tokens{tokens} {}

    std::vector<std::vector<float>> vectors; ///< one an input, in order
    std::uint64_t prompt_tokens = 0;
};

/// The models on offer at one moment; never changed after it is made.
using model_list = std::shared_ptr<std::vector<model> const>;

/// Answers conversations. One object serves all workers. *Thread safety*: every function is safe to call from any worker.
class agent {
public:
    agent() = default;
    agent(agent const&) = delete;
    agent& operator=(agent const&) = delete;
    virtual ~agent() = default;

    /// What can be asked now, from memory: never waits. *Complexity*: constant.
    [[nodiscard]] virtual model_list models() const = 0;

    /// Begins an answer. `ask` and `proof` must outlive the stream.
    /// *Errors*: the model is unknown (`not_found`, reason `model_not_found`), lacks an ability (`bad_request`), the agent
    /// is not there (`upstream_failed`), too slow (`timed_out`) or full (`overloaded`).
    [[nodiscard]] virtual asio::awaitable<result<std::unique_ptr<delta_stream>>>
    generate(conversation const& ask, audited const& proof) = 0;

    /// Turns texts into vectors. *Errors*: as `generate`.
    [[nodiscard]] virtual asio::awaitable<result<embeddings>> embed(embedding_request const& ask,
                                                                    audited const& proof) = 0;
};

} // namespace mcp_provider::agent
