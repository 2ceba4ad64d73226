// A legacy session: what one client that has shaken hands is owed between its requests.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/json/rpc.hpp"
#include "mcp_provider/mcp/detail/mailbox.hpp"
#include "mcp_provider/mcp/protocol.hpp"
#include "mcp_provider/mcp/types.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::mcp {

class call;

/// The other side of a call: what it speaks, what it can do, who it says it is, and who it was found to be.
class client_facts {
public:
    revision spoken = latest_legacy;
    client_capabilities can;
    implementation is;
    std::string caller; ///< the id of the principal; empty where nobody was authenticated
};

namespace detail {

/// The answer that a client owes. *Thread safety*: safe.
class pending_answer {
public:
    /// Takes the answer. Returns whether it was the first one.
    bool give(result<boost::json::value> answer) {
        {
            std::lock_guard const hold{mutex_};
            if (answer_) return false;
            answer_.emplace(std::move(answer));
        }
        wake_.raise();
        return true;
    }
    /// Waits for the answer; nothing when the time came first.
    [[nodiscard]] asio::awaitable<std::optional<result<boost::json::value>>>
    wait(steady_time until) {
        for (;;) {
            bool const raised = co_await wake_.wait(until);
            std::lock_guard const hold{mutex_};
            if (answer_ || !raised) co_return answer_;
        }
    }

private:
    std::mutex mutex_;
    wake wake_;
    std::optional<result<boost::json::value>> answer_;
};

/// Where notifications about changes go: the standing stream of a session, or the stream of a `subscriptions/listen`.
/// *Thread safety*: safe.
class listener {
public:
    explicit listener(std::shared_ptr<mailbox> to) : box_{std::move(to)} {}

    std::atomic<bool> tools{false};
    std::atomic<bool> prompts{false};
    std::atomic<bool> resources{false};
    // Set before anybody else knows the listener.
    std::string meta;     ///< the members of `_meta` that each notification carries
    std::string farewell; ///< the message that ends the stream; empty for none

    /// *Errors*: false where there are `most` already.
    bool subscribe(std::string uri, std::size_t most) {
        std::lock_guard const hold{mutex_};
        if (uris_.size() >= most && !uris_.contains(uri)) return false;
        uris_.insert(std::move(uri));
        return true;
    }
    void unsubscribe(std::string const& uri) {
        std::lock_guard const hold{mutex_};
        uris_.erase(uri);
    }
    [[nodiscard]] bool subscribed(std::string const& uri) const {
        std::lock_guard const hold{mutex_};
        return uris_.contains(uri);
    }

    /// `members` are members of the params, each followed by a comma; empty for none.
    void tell(std::string_view method, std::string_view members = {}) {
        std::string params = "{";
        params += members;
        if (!meta.empty()) ((params += R"("_meta":{)") += meta) += '}';
        if (params.ends_with(',')) params.pop_back();
        params += '}';
        std::string out;
        rpc::append_notification(out, method, params == "{}" ? std::string_view{} : params);
        box_->offer(std::move(out));
    }

    /// Nothing follows.
    void end() {
        if (!farewell.empty()) box_->post(farewell);
        box_->close();
    }

    [[nodiscard]] std::shared_ptr<mailbox> const& box() const noexcept { return box_; }

private:
    std::shared_ptr<mailbox> box_;
    mutable std::mutex mutex_;
    std::set<std::string> uris_;
};

/// *Thread safety*: safe.
class session {
public:
    session(std::string id, client_facts who, std::shared_ptr<mailbox> standing)
        : id_{std::move(id)}, who_{std::move(who)}, standing_{std::make_shared<listener>(
                                                        std::move(standing))} {
        standing_->tools = standing_->prompts = standing_->resources = true;
    }

    [[nodiscard]] std::string const& id() const noexcept { return id_; }
    [[nodiscard]] client_facts const& who() const noexcept { return who_; }
    /// The stream that a GET opens, and what is told there.
    [[nodiscard]] std::shared_ptr<listener> const& standing() const noexcept { return standing_; }

    std::atomic<log_level> least_logged{log_level::info};

    // --- requests of ours to the client

    /// A new question; nothing where `most` are open.
    [[nodiscard]] std::optional<std::pair<std::int64_t, std::shared_ptr<pending_answer>>>
    open_question(std::size_t most) {
        std::lock_guard const hold{mutex_};
        if (questions_.size() >= most) return std::nullopt;
        auto one = std::make_shared<pending_answer>();
        std::int64_t const number = ++last_question_;
        questions_.emplace(number, one);
        return std::pair{number, std::move(one)};
    }
    void close_question(std::int64_t number) {
        std::lock_guard const hold{mutex_};
        questions_.erase(number);
    }
    /// Takes an answer of the client. Returns false for one that nobody waits for: late, repeated, or made up.
    bool answer(rpc::message const& message) {
        std::shared_ptr<pending_answer> one;
        {
            std::lock_guard const hold{mutex_};
            if (message.id().number() == nullptr) return false;
            auto const at = questions_.find(*message.id().number());
            if (at == questions_.end()) return false;
            one = at->second;
        }
        if (auto const* const found = message.result())
            return one->give(boost::json::value(*found, boost::json::storage_ptr{}));
        return one->give(rejection{rejection_code::upstream_failed,
                                   "the client answers with error " +
                                       std::to_string(message.error_code()) + ": " +
                                       std::string{message.error_message()}}
                             .because("client_error"));
    }

    // --- calls in progress, and the streams that can be read again

    enum class admission { admitted, id_in_use, too_many };
    [[nodiscard]] admission add_call(rpc::id const& number, std::shared_ptr<call> const& one,
                                     std::size_t most) {
        std::lock_guard const hold{mutex_};
        std::erase_if(calls_, [](auto const& entry) { return entry.second.expired(); });
        if (calls_.contains(number)) return admission::id_in_use;
        if (calls_.size() >= most) return admission::too_many;
        calls_.emplace(number, one);
        return admission::admitted;
    }
    void remove_call(rpc::id const& number) {
        std::lock_guard const hold{mutex_};
        calls_.erase(number);
    }
    [[nodiscard]] std::shared_ptr<call> find_call(rpc::id const& number) const {
        std::lock_guard const hold{mutex_};
        auto const at = calls_.find(number);
        return at != calls_.end() ? at->second.lock() : nullptr;
    }
    [[nodiscard]] std::vector<std::shared_ptr<call>> calls() const {
        std::lock_guard const hold{mutex_};
        std::vector<std::shared_ptr<call>> out;
        for (auto const& [number, one] : calls_)
            if (auto found = one.lock()) out.push_back(std::move(found));
        return out;
    }
    [[nodiscard]] bool busy() const {
        std::lock_guard const hold{mutex_};
        for (auto const& [number, one] : calls_)
            if (!one.expired()) return true;
        return standing_->box()->attached();
    }

    /// Keeps a stream so that it can be resumed, and returns its number, which is never 0: that is the standing stream.
    /// Of more than `most` the oldest go.
    [[nodiscard]] std::uint64_t add_stream(std::shared_ptr<mailbox> one, std::size_t most) {
        std::lock_guard const hold{mutex_};
        streams_.emplace(++last_stream_, std::move(one));
        while (streams_.size() > most) streams_.erase(streams_.begin());
        return last_stream_;
    }
    [[nodiscard]] std::shared_ptr<mailbox> find_stream(std::uint64_t number) const {
        if (number == 0) return standing_->box();
        std::lock_guard const hold{mutex_};
        auto const at = streams_.find(number);
        return at != streams_.end() ? at->second : nullptr;
    }

private:
    std::string const id_;
    client_facts const who_;
    std::shared_ptr<listener> const standing_;
    mutable std::mutex mutex_;
    std::map<std::int64_t, std::shared_ptr<pending_answer>> questions_;
    std::map<rpc::id, std::weak_ptr<call>> calls_;
    std::map<std::uint64_t, std::shared_ptr<mailbox>> streams_;
    std::int64_t last_question_ = 0;
    std::uint64_t last_stream_ = 0;
};

} // namespace detail
} // namespace mcp_provider::mcp
