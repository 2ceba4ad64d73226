// Asks those who watch `/events` whether an agent may do what it wants, and takes their answers.
#pragma once

#include "agents/permission_desk.hpp"
#include "mcp_provider/audit/sink.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/events/feed.hpp"

#include <asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace mcp_provider::server::bridge {

/// Somebody's answer: `{"id":"perm_…","verdict":"allow"}`.
class permission_answer {
public:
    /// *Errors*: `bad_request`.
    [[nodiscard]] static result<permission_answer> from_json(boost::json::value const& document);

    std::string id;
    agents::permission_verdict verdict = agents::permission_verdict::refuse;
};

/// What became of somebody's answer to a question.
enum class answer_verdict : std::uint8_t {
    accepted,
    unknown, ///< there is no such question
    late,    ///< it was answered before, its time was over, or its request has gone
};

/// Publishes `permission.asked` and waits; the first valid answer counts, and is told as `permission.answered` and written
/// to the audit log. Where nobody listens to the topic, or too many questions are open, the answer is no.
/// *Lifetime*: the sink must outlive it. *Thread safety*: safe.
class permission_board final : public agents::permission_desk {
public:
    static constexpr std::size_t most_open = 64;
    static constexpr std::size_t most_remembered = 1024;

    permission_board(std::shared_ptr<events::feed> feed, audit::sink& log)
        : feed_{std::move(feed)}, log_{log} {}

    [[nodiscard]] asio::awaitable<agents::permission_verdict>
    ask(agents::permission_question question, steady_time until) override;

    /// Answers a question for its asker. The id is the one that the event named.
    answer_verdict answer(std::string_view id, agents::permission_verdict verdict,
                          principal const& by);

    [[nodiscard]] std::size_t open() const;

private:
    class question;

    std::shared_ptr<question> post(agents::permission_question about, steady_time until);
    void close(question& one, std::string_view why);
    void remember(std::string id);
    void tell_answer(question const& one, std::string_view by) const;
    void record(question const& one, principal const& by) const;

    std::shared_ptr<events::feed> feed_;
    audit::sink& log_;
    mutable std::mutex mutex_;                                        // guards all below
    std::unordered_map<std::string, std::shared_ptr<question>> open_; ///< by id
    std::deque<std::string> over_; ///< ids that were open once, the latest last
};

} // namespace mcp_provider::server::bridge
