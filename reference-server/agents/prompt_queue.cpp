#include "agents/prompt_queue.hpp"

#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/random.hpp"

#include <algorithm>

namespace mcp_provider::server::agents {

namespace {

/// Unguessable, so that a host can only answer what it was given.
std::string new_id() {
    return "prompt_" + crypto::base64url_encode(crypto::as_text(crypto::random_bytes<16>()));
}

std::string in_seconds(std::chrono::milliseconds time) {
    return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count()) + " s";
}

rejection nobody_came(std::chrono::milliseconds time) {
    return rejection{rejection_code::timed_out,
                     "no agent is connected: none has fetched this prompt within " +
                         in_seconds(time) +
                         "; connect an MCP host to /mcp and let it call get_next_prompt"}
        .because("no_agent");
}

} // namespace

result<std::uint64_t> prompt_queue::add(std::string text, bool streamed,
                                        std::shared_ptr<answer_sink> to, steady_time now) {
    std::lock_guard const lock{mutex_};
    tell_time(now);
    if (closed_ || prompts_.size() >= limits_.max_prompts)
        return rejection{rejection_code::overloaded,
                         "as many prompts wait for agents as may, which is " +
                             std::to_string(limits_.max_prompts)}
            .because("server_busy")
            .come_again_in(std::chrono::seconds{5});
    std::uint64_t const number = ++last_number_;
    prompt& one = prompts_[number];
    one.text = std::make_shared<std::string const>(std::move(text));
    one.to = std::move(to);
    one.streamed = streamed;
    one.deadline = now + limits_.request_time;
    waiting_.push_back(number);
    match();
    return number;
}

void prompt_queue::withdraw(std::uint64_t number) {
    std::lock_guard const lock{mutex_};
    if (auto const at = prompts_.find(number); at != prompts_.end())
        end(at, delivery_verdict::cancelled, delivery_verdict::cancelled);
}

std::unique_ptr<prompt_queue::place> prompt_queue::wait(std::function<void()> wake,
                                                        steady_time now) {
    auto one = std::make_unique<place>(*this, std::move(wake));
    {
        std::lock_guard const lock{mutex_};
        tell_time(now);
        if (!closed_ && hosts_.size() < limits_.max_hosts) {
            hosts_.push_back(one.get());
            match();
            return one;
        }
    }
    return nullptr;
}

void prompt_queue::leave(place& one) {
    std::lock_guard const lock{mutex_};
    std::erase(hosts_, &one);
    if (!one.given_) return;
    // It never knew of the prompt, so that this does not count as one of its chances.
    auto const found = leases_.find(one.given_->id);
    if (found == leases_.end()) return;
    std::uint64_t const number = found->second.number;
    prompt& given = prompts_.at(number);
    drop_lease(given, one.given_->id);
    --given.times_given;
    offer_again(number, given);
    match();
}

std::optional<given_prompt> prompt_queue::take(place& one) {
    std::lock_guard const lock{mutex_};
    return std::exchange(one.given_, std::nullopt);
}

void prompt_queue::match() {
    while (!waiting_.empty() && !hosts_.empty()) {
        std::uint64_t const number = waiting_.front();
        waiting_.pop_front();
        place& host = *hosts_.front();
        hosts_.pop_front();
        host.given_ = give(number, prompts_.at(number));
        if (auto const wake = std::exchange(host.wake_, nullptr)) wake();
    }
}

given_prompt prompt_queue::give(std::uint64_t number, prompt& one) {
    one.waits = false;
    if (one.times_given++ == 0) {
        one.to->opened();
        if (one.streamed) one.deadline = now_ + limits_.stream_time;
    }
    given_prompt out;
    out.id = new_id();
    out.text = one.text;
    out.time_left = std::chrono::floor<std::chrono::seconds>(one.deadline - now_);
    one.leases.push_back(out.id);
    leases_.emplace(out.id, lease{number, now_ + limits_.lease_time});
    return out;
}

/// Puts a prompt back in front: it has waited longest.
void prompt_queue::offer_again(std::uint64_t number, prompt& one) {
    if (one.waits || !one.winner.empty()) return;
    one.waits = true;
    waiting_.insert(std::lower_bound(waiting_.begin(), waiting_.end(), number), number);
}

void prompt_queue::give_back(std::string_view id, steady_time now) {
    std::lock_guard const lock{mutex_};
    tell_time(now);
    auto const found = leases_.find(std::string{id});
    if (found == leases_.end()) return;
    auto const at = prompts_.find(found->second.number);
    prompt& one = at->second;
    if (one.winner == id)
        return end_failed(at, delivery_verdict::expired,
                          rejection{rejection_code::upstream_failed,
                                    "the agent left in the middle of its answer"});
    drop_lease(one, id);
    remember(std::string{id}, delivery_verdict::expired);
    if (one.times_given < limits_.max_times_given) {
        offer_again(at->first, one);
        match();
    } else if (one.leases.empty()) {
        end_failed(at, delivery_verdict::expired,
                   rejection{rejection_code::upstream_failed,
                             std::to_string(one.times_given) +
                                 " agents have taken this prompt and left without an answer"});
    }
}

void prompt_queue::drop_lease(prompt& from, std::string_view id) {
    std::erase(from.leases, id);
    leases_.erase(std::string{id});
}

prompt_queue::prompt_table::iterator prompt_queue::win(std::string_view id,
                                                       delivery_verdict& verdict) {
    std::string const key{id};
    auto const found = leases_.find(key);
    if (found == leases_.end()) {
        auto const past = over_.find(key);
        verdict = past == over_.end() ? delivery_verdict::unknown : past->second;
        return prompts_.end();
    }
    auto const at = prompts_.find(found->second.number);
    prompt& one = at->second;
    verdict = delivery_verdict::accepted;
    if (!one.winner.empty()) return at;
    one.winner = key;
    if (std::exchange(one.waits, false)) std::erase(waiting_, at->first);
    for (std::string const& other : one.leases) {
        if (other == key) continue;
        leases_.erase(other);
        remember(other, delivery_verdict::taken);
    }
    one.leases = {key};
    return at;
}

delivery_verdict prompt_queue::add_text(prompt_table::iterator at, std::string_view text,
                                        bool& goes_on) {
    prompt& one = at->second;
    goes_on = true;
    if (text.size() > limits_.max_answer_bytes - one.answer_bytes) {
        end_failed(at, delivery_verdict::too_long,
                   rejection{rejection_code::upstream_failed,
                             "the agent's answer is longer than " +
                                 std::to_string(limits_.max_answer_bytes) + " bytes"});
        return delivery_verdict::too_long;
    }
    one.answer_bytes += text.size();
    if (!text.empty()) goes_on = one.to->text(text);
    return delivery_verdict::accepted;
}

delivery_verdict prompt_queue::append(std::string_view id, std::string_view text, steady_time now) {
    std::lock_guard const lock{mutex_};
    tell_time(now);
    auto verdict = delivery_verdict::unknown;
    auto const at = win(id, verdict);
    if (at == prompts_.end()) return verdict;
    bool goes_on = true;
    verdict = add_text(at, text, goes_on);
    if (verdict != delivery_verdict::accepted) return verdict;
    if (!goes_on)
        end(at, delivery_verdict::taken, delivery_verdict::answered);
    else if (at->second.streamed)
        at->second.deadline = now + limits_.stream_time;
    return verdict;
}

delivery_verdict prompt_queue::submit(std::string_view id, std::string_view text,
                                      agent::finish_reason reason) {
    std::lock_guard const lock{mutex_};
    auto verdict = delivery_verdict::unknown;
    auto const at = win(id, verdict);
    if (at == prompts_.end()) return verdict;
    bool goes_on = true;
    verdict = add_text(at, text, goes_on);
    if (verdict != delivery_verdict::accepted) return verdict;
    if (goes_on) at->second.to->finished(reason);
    end(at, delivery_verdict::taken, delivery_verdict::answered);
    return verdict;
}

delivery_verdict prompt_queue::fail(std::string_view id, std::string_view reason) {
    std::lock_guard const lock{mutex_};
    auto verdict = delivery_verdict::unknown;
    auto const at = win(id, verdict);
    if (at == prompts_.end()) return verdict;
    end_failed(at, delivery_verdict::answered,
               rejection{rejection_code::upstream_failed,
                         "the agent could not answer: " + std::string{reason}});
    return verdict;
}

void prompt_queue::expire(steady_time now) {
    std::lock_guard const lock{mutex_};
    tell_time(now);
    for (auto at = prompts_.begin(); at != prompts_.end();) {
        auto const next = std::next(at);
        prompt& one = at->second;
        if (now >= one.deadline) {
            rejection why =
                one.times_given == 0
                    ? nobody_came(limits_.request_time)
                    : rejection{rejection_code::timed_out,
                                one.winner.empty()
                                    ? "an agent has fetched this prompt, but did not answer in time"
                                    : "the agent fell silent in the middle of its answer"};
            end_failed(at, delivery_verdict::expired, std::move(why));
        } else if (one.winner.empty()) {
            for (std::string const& id : one.leases) {
                lease& held = leases_.at(id);
                if (held.silent || now < held.until) continue;
                held.silent = true; // it may still answer, if it is the first to do so
                if (one.times_given < limits_.max_times_given) offer_again(at->first, one);
            }
        }
        at = next;
    }
    match();
}

void prompt_queue::close() {
    std::lock_guard const lock{mutex_};
    closed_ = true;
    while (!prompts_.empty())
        end_failed(prompts_.begin(), delivery_verdict::expired,
                   rejection{rejection_code::overloaded, "the server is shutting down"});
    for (place* const one : hosts_)
        if (auto const wake = std::exchange(one->wake_, nullptr)) wake();
    hosts_.clear();
}

void prompt_queue::end_failed(prompt_table::iterator at, delivery_verdict how, rejection why) {
    at->second.to->failed(std::move(why));
    end(at, how == delivery_verdict::answered ? delivery_verdict::taken : how, how);
}

void prompt_queue::end(prompt_table::iterator at, delivery_verdict how_for_others,
                       delivery_verdict how_for_winner) {
    prompt& one = at->second;
    if (one.waits) std::erase(waiting_, at->first);
    for (std::string& id : one.leases) {
        leases_.erase(id);
        auto const how = id == one.winner ? how_for_winner : how_for_others;
        remember(std::move(id), how);
    }
    prompts_.erase(at);
}

void prompt_queue::remember(std::string id, delivery_verdict how) {
    if (over_in_order_.size() >= limits_.max_remembered) {
        over_.erase(over_in_order_.front());
        over_in_order_.pop_front();
    }
    over_.emplace(id, how);
    over_in_order_.push_back(std::move(id));
}

std::shared_ptr<std::string const> prompt_queue::text_of(std::string_view id) const {
    std::lock_guard const lock{mutex_};
    auto const found = leases_.find(std::string{id});
    return found == leases_.end() ? nullptr : prompts_.at(found->second.number).text;
}

std::size_t prompt_queue::prompts() const {
    std::lock_guard const lock{mutex_};
    return prompts_.size();
}
std::size_t prompt_queue::waiting_prompts() const {
    std::lock_guard const lock{mutex_};
    return waiting_.size();
}
std::size_t prompt_queue::waiting_hosts() const {
    std::lock_guard const lock{mutex_};
    return hosts_.size();
}

} // namespace mcp_provider::server::agents
