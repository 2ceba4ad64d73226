// The language of the link between adapter and bridge: what stands in its messages.
#pragma once

#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::bridge {

/// The link is one WebSocket from the adapter to `/link` of the bridge, with the token as `Authorization: Bearer`. A text
/// message holds one or more lines; a line is a JSON object whose first member names what it is. Numbers in the place of
/// ID name a request of the adapter, from its line `generate` or `embed` to the bridge's `finished` or `failed`.
///
/// | line | by | meaning |
/// |---|---|---|
/// | `{"hello":VERSION,"program":"…"}` | both, first | another version: the receiver closes with 4001 |
/// | `{"models":[{…}]}` | bridge | all fields of every model on offer; after `hello`, and whenever they change |
/// | `{"generate":ID,"conversation":{…}}` | adapter | begins an answer, with `first_credit` |
/// | `{"embed":ID,"request":{…}}` | adapter | begins the vectors of some texts, with `first_credit` |
/// | `{"cancel":ID}` | adapter | nobody wants the answer any more; an unknown ID has just ended |
/// | `{"credit":ID,"bytes":N}` | adapter | the bridge may send pieces that cost N more |
/// | `{"event":{…}}` | adapter | for those who listen at the bridge; never answered |
/// | `{"opened":ID}` | bridge | the agent has taken the request |
/// | `{"text":ID,"data":"…"}`, `{"reasoning":…}` | bridge | the answer goes on |
/// | `{"call":ID,"index":N,"id":"…","name":"…","data":"…"}` | bridge | a tool call begins, or without `id` goes on |
/// | `{"vector":ID,"of":[…]}` | bridge | the vector of the next text |
/// | `{"finished":ID,"reason":"…","prompt_tokens":N,"completion_tokens":N}` | bridge | the end of an answer |
/// | `{"failed":ID,"status":N,"message":"…",…}` | bridge | the other end: a rejection |
/// | `{"listening":BOOL}` | bridge | whether anybody listens to events |
/// | `{"draining":true}` | bridge | takes no new request; closes when those that run have ended |
///
/// A member that is not known is ignored; a line that is not known ends the link, since both sides have said hello.
/// A piece costs `cost_of`, and the bridge pulls none from an agent while the request's credit is used up: so a client
/// that reads slowly makes the agent stop, and an adapter holds little for it.
inline constexpr std::int64_t link_version = 1;
inline constexpr std::string_view link_path = "/link";
inline constexpr std::string_view link_protocol = "mcp-local-provider.link";
inline constexpr std::int64_t first_credit = 64 * 1024;
inline constexpr std::size_t cost_of_line = 64; ///< what a piece costs beside its texts

/// Close codes of the link's own.
inline constexpr std::uint16_t close_other_version = 4001;
inline constexpr std::uint16_t close_not_understood = 4002;
inline constexpr std::uint16_t close_token_replaced = 4003;

/// What a line may be long, and so a request: 64 MiB to the bridge, as much as it may hold of one adapter's request.
inline constexpr std::size_t most_link_message = 64 * 1024 * 1024;

[[nodiscard]] inline std::int64_t cost_of(agent::delta const& piece) noexcept {
    return static_cast<std::int64_t>(piece.text.size() + piece.id.size() + piece.name.size() +
                                     cost_of_line);
}

// Each appends one line.
void append_hello(std::string& out);
void append_models(std::string& out, std::vector<agent::model> const& on_offer);
void append_generate(std::string& out, std::uint64_t id, agent::conversation const& ask);
void append_embed(std::string& out, std::uint64_t id, agent::embedding_request const& ask);
void append_cancel(std::string& out, std::uint64_t id);
void append_credit(std::string& out, std::uint64_t id, std::int64_t bytes);
/// Precondition: `event` is one JSON object without a line break.
void append_event(std::string& out, std::string_view event);
void append_listening(std::string& out, bool anybody);
void append_draining(std::string& out);
void append_piece(std::string& out, std::uint64_t id, agent::delta const& piece);
void append_vector(std::string& out, std::uint64_t id, std::vector<float> const& vector);
void append_failed(std::string& out, std::uint64_t id, rejection const& why);

/// What a line is. A `piece` is anything from `opened` to `finished`.
enum class link_word : std::uint8_t {
    hello,
    models,
    generate,
    embed,
    cancel,
    credit,
    event,
    listening,
    draining,
    piece,
    vector,
    failed,
};

/// A line that was read. *Lifetime*: the views are good until the reader reads on, or the message goes.
class link_line {
public:
    link_word word = link_word::piece;
    std::uint64_t id = 0;
    std::int64_t number =
        0;              ///< the version of `hello`, the bytes of `credit`, the truth of `listening`
    agent::delta piece; ///< with `piece`
    std::string_view text;       ///< the object of `event`
    boost::json::value document; ///< the whole line, where it is not a text or reasoning
};

/// Reads lines. Those that come by the thousand (text, reasoning, arguments of a call) are read without a document.
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class link_reader {
public:
    /// *Errors*: `bad_request` for what is no line of the link; the link must then end.
    [[nodiscard]] result<> read(std::string_view line, link_line& into);

private:
    bool read_quickly(std::string_view line, link_line& into);
    result<> read_document(std::string_view line, link_line& into);

    std::string scratch_; ///< a text whose escapes had to be undone
};

// What stands in the documents. *Errors*: `bad_request`, the link must then end.
[[nodiscard]] result<agent::model_list> models_in(boost::json::value const& line);
[[nodiscard]] result<agent::conversation> conversation_in(boost::json::value const& line);
[[nodiscard]] result<agent::embedding_request> embedding_request_in(boost::json::value const& line);
[[nodiscard]] result<std::vector<float>> vector_in(boost::json::value const& line);
/// The rejection of a line `failed`; one of ours where it cannot be understood.
[[nodiscard]] rejection rejection_in(boost::json::value const& line);

} // namespace mcp_provider::server::bridge
