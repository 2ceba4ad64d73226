// The audit log on disk: JSON lines in a keyed hash chain, written by one thread of its own.
#pragma once

#include "mcp_provider/audit/chain_files.hpp"
#include "mcp_provider/audit/hash_chain.hpp"
#include "mcp_provider/audit/line_queue.hpp"
#include "mcp_provider/audit/log_file.hpp"
#include "mcp_provider/audit/record.hpp"
#include "mcp_provider/audit/sink.hpp"
#include "mcp_provider/core/secret.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace mcp_provider::audit {

/// What happens while the log cannot keep up: the disk is full, or slower than the records come.
enum class when_full : std::uint8_t {
    fail_open, ///< work goes on; lost records are counted, and the count is written as a record later
    fail_closed, ///< `accepting()` says no, before anything is lost
};

/// What `json_lines` needs to know.
struct json_lines_options {
    std::string log_file; ///< made with mode 0600 where there is none
    std::string key_file; ///< made where there is none; see `read_or_make_key`
    std::string
        head_file; ///< empty: the chain can then not be followed over a rotation while nothing runs
    when_full on_full = when_full::fail_open;
    std::size_t queue_bytes = 2 * 1024 * 1024; ///< a power of two; some 4,000 records
    std::chrono::milliseconds gather{2};       ///< how long records wait for others under load
    std::chrono::milliseconds first_retry{10}; ///< after a failed write; doubles up to `last_retry`
    std::chrono::milliseconds last_retry{1000};
};

/// How a log is doing.
struct log_state {
    bool healthy = true;        ///< the last write was taken by the file
    std::uint64_t written = 0;  ///< records in the file since start, the log's own included
    std::uint64_t dropped = 0;  ///< records lost since start
    std::size_t backlog = 0;    ///< bytes that wait
    anchor head;                ///< the last record in the file
    std::error_code last_error; ///< of the last write or reopening that failed
};

/// Writes records as lines of a hash chain (`hash_chain.hpp`). A producer formats its record and copies it into a
/// bounded lock-free queue; it makes a system call only to wake a writer that has nothing to do. The writer takes what
/// waits, chains it, and writes it with one write(2). Memory is bounded whatever the file does.
/// The log itself leaves SECURITY records, with the flags `chain_start`, `chain_resumed`, `chain_rotated` (with
/// `log_truncated`, `new_file`, `torn_line`, `foreign_content` where so found) and `records_dropped`.
/// *Thread safety*: safe.
class json_lines final : public sink {
public:
    /// Opens the files, finds where the chain goes on, and starts the writer.
    /// *Errors*: `std::system_error` and `std::runtime_error`: files that cannot be used, or are used by another process.
    explicit json_lines(json_lines_options options)
        : options_{std::move(options)}, key_{read_or_make_key(options_.key_file)},
          key_id_{audit::key_id(key_)}, file_{options_.log_file}, queue_{options_.queue_bytes} {
        if (!options_.head_file.empty()) head_file_ = audit::head_file{options_.head_file};
        resume_chain();
        writer_ = std::thread{[this] { run(); }};
    }

    /// Writes what waits, and ends.
    ~json_lines() override {
        stopping_.store(true);
        wake();
        writer_.join();
        wipe(key_.data(), key_.size());
    }

    bool try_write(record const& one) noexcept override {
        if (push(one)) [[likely]] {
            if (idle_.load(std::memory_order_seq_cst) && idle_.exchange(false)) wake();
            return true;
        }
        dropped_.fetch_add(1, std::memory_order_relaxed);
        return false;
    }

    [[nodiscard]] bool accepting() const noexcept override {
        if (options_.on_full == when_full::fail_open) return true;
        // Half of the queue is kept for the requests that are already under way.
        return healthy_.load(std::memory_order_relaxed) && queue_.backlog() < queue_.capacity() / 2;
    }

    /// Has the file opened again, as SIGHUP asks, and does not wait for it. Rotation is by renaming (not by logrotate's
    /// `copytruncate`, which loses lines).
    void reopen() noexcept {
        reopens_wanted_.fetch_add(1);
        wake();
    }

    /// Waits until everything that was pushed before the call is in the file, the log's opening record included, and
    /// every reopening asked for before is done; false where that took longer.
    bool flush(std::chrono::milliseconds patience) {
        std::uint64_t const target = queue_.entered();
        std::uint64_t const reopens = reopens_wanted_.load();
        std::unique_lock lock{mutex_};
        woken_ = true;
        wake_.notify_one();
        return flushed_.wait_for(
            lock, patience, [&] { return written_through_ >= target && reopens_done_ >= reopens; });
    }

    [[nodiscard]] log_state state() const {
        std::lock_guard const lock{mutex_};
        log_state now = state_;
        now.dropped = dropped_.load(std::memory_order_relaxed);
        now.backlog = queue_.backlog();
        now.healthy = healthy_.load(std::memory_order_relaxed);
        return now;
    }

    /// The short name of the key (`key_id`).
    [[nodiscard]] std::string const& key_name() const noexcept { return key_id_; }

private:
    static constexpr std::size_t batch_bytes = 64 * 1024;

    [[nodiscard]] bool push(record const& one) noexcept {
        constexpr std::size_t usual_bytes = 16 * 1024;
        try {
            thread_local std::string line;
            line.clear();
            append_members(line, one);
            bool const taken = queue_.try_push(line);
            if (line.capacity() > usual_bytes) std::string{}.swap(line);
            return taken;
        } catch (std::bad_alloc const&) {
            return false;
        }
    }

    void wake() noexcept {
        {
            std::lock_guard const lock{mutex_};
            woken_ = true;
        }
        wake_.notify_one();
    }

    /// Sleeps until `wake` or for so long; returns whether it was woken.
    bool sleep(std::chrono::milliseconds most) {
        std::unique_lock lock{mutex_};
        wake_.wait_for(lock, most, [&] { return woken_; });
        return std::exchange(woken_, false);
    }

    /// Appends a record of the log's own to the batch.
    void note(std::initializer_list<std::string_view> flags, std::uint64_t dropped = 0,
              std::optional<crypto::digest> const& torn = {}) {
        std::string const message = "key " + key_id_;
        record one;
        one.timestamp = std::chrono::system_clock::now();
        one.type = event_type::security;
        for (std::string_view const flag : flags) one.security_flags.add(flag);
        if (dropped == 0) one.message = message;
        one.dropped = dropped;
        std::string members;
        append_members(members, one);
        chain_->append(file_.buffer(), members, torn);
        ++in_batch_;
    }

    void resume_chain() {
        log_tail const tail = read_tail(options_.log_file, key_);
        auto const head =
            options_.head_file.empty() ? std::nullopt : head_file::read(options_.head_file);
        // The remains become a line of their own, which the next record names.
        if (tail.torn) file_.buffer() += '\n';
        std::string_view const torn_flag = tail.torn ? "torn_line" : "";
        if (tail.last && (!head || tail.last->seq >= head->seq)) {
            chain_.emplace(key_, *tail.last);
            note({chain_resumed_flag, torn_flag}, 0, tail.torn);
        } else if (head) {
            chain_.emplace(key_, *head);
            note({chain_resumed_flag, tail.empty ? new_file_flag : "log_truncated", torn_flag}, 0,
                 tail.torn);
        } else {
            chain_.emplace(key_);
            note({chain_start_flag, tail.empty ? "" : "foreign_content", torn_flag}, 0, tail.torn);
        }
    }

    void run() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
        ::pthread_setname_np(::pthread_self(), "audit");

        std::chrono::milliseconds retry = options_.first_retry;
        for (;;) {
            bool const stopping = stopping_.load();
            std::uint64_t const reopens = reopens_wanted_.load();
            if (!file_.pending()) gather();
            if (write()) {
                retry = options_.first_retry;
                if (reopens != reopens_done_) {
                    reopen_file(reopens);
                } else if (queue_.backlog() == 0) {
                    if (stopping) break;
                    rest();
                } else if (!stopping && queue_.backlog() < batch_bytes) {
                    sleep(options_.gather);
                }
            } else {
                if (stopping) break; // what the file does not take now is lost with the process
                if (reopens != reopens_done_) {
                    reopen_file(reopens);
                } else {
                    sleep(retry);
                    retry = std::min(2 * retry, options_.last_retry);
                }
            }
        }
        file_.sync();
    }

    /// Chains waiting records into one batch.
    void gather() {
        queue_.drain([&](std::string_view members) {
            chain_->append(file_.buffer(), members);
            ++in_batch_;
            return file_.buffer().size() < batch_bytes;
        });
        // After the records that filled the queue: there the lost ones would stand.
        if (std::uint64_t const dropped = dropped_.load(std::memory_order_relaxed);
            dropped != dropped_on_record_)
            note({records_dropped_flag}, dropped - std::exchange(dropped_on_record_, dropped));
        through_ = queue_.left();
    }

    /// Writes the batch and publishes how far the file has come. False where the file does not take it.
    bool write() {
        bool const something = file_.pending();
        std::error_code const failure = file_.write();
        healthy_.store(!failure, std::memory_order_relaxed);
        if (!failure && something) head_file_.store(chain_->head());
        std::lock_guard const lock{mutex_};
        if (failure) {
            state_.last_error = failure;
            return false;
        }
        state_.written += std::exchange(in_batch_, 0);
        state_.head = chain_->head();
        written_through_ = through_;
        flushed_.notify_all();
        return true;
    }

    void reopen_file(std::uint64_t reopens) {
        std::error_code failure;
        bool const another = file_.reopen(failure);
        if (another) {
            log_tail const tail = read_tail(options_.log_file, key_);
            if (tail.torn) file_.buffer().insert(0, 1, '\n');
            note({chain_rotated_flag, tail.torn ? "torn_line" : ""}, 0, tail.torn);
        }
        std::lock_guard const lock{mutex_};
        if (failure) state_.last_error = failure;
        reopens_done_ = reopens;
        flushed_.notify_all();
    }

    /// Nothing waits: once more for the time of gathering, then until a producer wakes us.
    void rest() {
        if (sleep(options_.gather)) return;
        idle_.store(true, std::memory_order_seq_cst);
        std::unique_lock lock{mutex_};
        // Whoever pushed before it could see that we are idle is seen here.
        if (queue_.backlog() == 0) wake_.wait(lock, [&] { return woken_; });
        woken_ = false;
        idle_.store(false, std::memory_order_seq_cst);
    }

    json_lines_options options_;
    chain_key key_;
    std::string key_id_;
    audit::log_file file_;
    line_queue queue_;
    audit::head_file head_file_;

    // Of the writer thread only.
    std::optional<hash_chain> chain_;
    std::uint64_t in_batch_ = 0;
    std::uint64_t dropped_on_record_ = 0;
    std::uint64_t through_ = 0;

    std::atomic<std::uint64_t> dropped_{0};
    alignas(64) std::atomic<bool> idle_{false}; // apart from what the writer keeps changing
    std::atomic<bool> healthy_{true};
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> reopens_wanted_{0};

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable flushed_;
    bool woken_ = false;
    std::uint64_t reopens_done_ = 0;               // written by the writer only
    std::optional<std::uint64_t> written_through_; // nothing before the first batch is in the file
    log_state state_;

    std::thread writer_;
};

} // namespace mcp_provider::audit
