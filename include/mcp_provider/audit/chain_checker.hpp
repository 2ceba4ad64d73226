// The check of a hash chain line by line: what was edited, deleted, moved, inserted or cut off, and where.
#pragma once

#include "mcp_provider/audit/hash_chain.hpp"
#include "mcp_provider/core/secret.hpp"
#include "mcp_provider/crypto/constant_time.hpp"
#include "mcp_provider/crypto/digest.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::audit {

/// What can be wrong with a log.
enum class flaw : std::uint8_t {
    altered,      ///< a line in the form of a record whose mac is wrong
    foreign,      ///< a line that is no record
    missing,      ///< records `seq` to `last_seq` are not there
    out_of_order, ///< a sound record that stands too late, or a second time
    forked,       ///< a sound record that does not follow from the one before: the log was set back
    restarted,    ///< the chain begins anew, so that what may have followed before is not covered
    torn,         ///< the log ends within a line
    wrong_key,    ///< no record is sound under this key
    truncated,    ///< the log does not reach the anchor, or has another record in its place
    unreadable,   ///< a file cannot be read
};

[[nodiscard]] constexpr std::string_view name_of(flaw kind) noexcept {
    constexpr std::array<std::string_view, 10> names{
        "altered",   "foreign", "missing",   "out_of_order", "forked",
        "restarted", "torn",    "wrong_key", "truncated",    "unreadable"};
    return names[static_cast<std::size_t>(kind)];
}

/// One thing that is wrong, and where.
struct finding {
    flaw kind = flaw::altered;
    std::string file;
    std::uint64_t line = 0;     ///< counts from 1 in the file; 0 where it is the file as a whole
    std::uint64_t seq = 0;      ///< the record concerned, as far as known; of `missing` the first
    std::uint64_t last_seq = 0; ///< of `missing` the last; else equal to `seq`
    std::string text;           ///< the same for a person
};

/// What a check has found.
struct verification {
    std::uint64_t records = 0; ///< sound ones
    std::uint64_t bytes = 0;
    std::uint64_t first_seq = 0;     ///< beyond 1, earlier files were not given
    anchor head;                     ///< the last sound record
    std::vector<finding> findings;   ///< the first hundred, in the order of the log
    std::uint64_t finding_count = 0; ///< all
    std::vector<std::string> notes;  ///< remarkable but in order: a line that a crash cut off

    [[nodiscard]] bool ok() const noexcept { return finding_count == 0; }
};

/// Checks lines one by one; memory does not grow with the log. `verify` feeds it from files.
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class chain_checker {
public:
    static constexpr std::size_t max_findings = 100;

    /// `expected` is an anchor that was kept elsewhere: the log must contain that record.
    explicit chain_checker(chain_key const& initial,
                           std::optional<anchor> const& expected = {}) noexcept
        : initial_{initial}, expected_{expected}, key_{initial}, spare_{initial} {}
    ~chain_checker() { wipe(initial_.data(), initial_.size()); }
    chain_checker(chain_checker const&) = delete;
    chain_checker& operator=(chain_checker const&) = delete;

    void begin_file(std::string name) {
        file_ = std::move(name);
        line_ = 0;
    }

    /// Checks one line, without its line feed.
    void check(std::string_view line) {
        ++line_;
        out_.bytes += line.size() + 1;
        auto const parts = take_apart(line);
        if (!parts) {
            bad_line();
            report(flaw::foreign, 0, 0,
                   line.starts_with("\x1f\x8b") ? "is compressed; decompress it first"
                                                : "is no audit record",
                   crypto::sha256(line));
        } else if (!is_sound(*parts)) {
            bad_line();
            ++altered_;
            report(flaw::altered, parts->seq, parts->seq,
                   "has a wrong mac: it was changed after it was written, or forged");
        } else {
            place(*parts);
        }
    }

    /// Says that the file ends with so many bytes and no line feed.
    void end_torn(std::size_t bytes) {
        settle_torn_end(false);
        out_.bytes += bytes;
        std::string text =
            file_ + ":" + std::to_string(line_ + 1) + ": the file ends within a line";
        torn_end_ = finding{flaw::torn, file_, line_ + 1, next_seq_, next_seq_, std::move(text)};
    }

    /// Adds that a file cannot be read.
    void unreadable(std::string const& name, std::string const& why) {
        add({flaw::unreadable, name, 0, 0, 0, name + ": " + why});
    }

    /// Ends the check.
    [[nodiscard]] verification finish() {
        settle_torn_end(false);
        if (out_.records == 0 && altered_ != 0)
            add({flaw::wrong_key, file_, 0, 0, 0,
                 file_ + ": no record is sound under the key " + key_id(initial_)},
                {}, 0);
        if (out_.first_seq > 1)
            out_.notes.push_back("the log begins with record " + std::to_string(out_.first_seq) +
                                 "; the files before it were not given, or are gone");
        if (expected_ && !anchor_seen_)
            add({flaw::truncated, file_, 0, expected_->seq, expected_->seq,
                 file_ + ": record " + std::to_string(expected_->seq) +
                     ", the anchor, is not in the log, which " +
                     (out_.records == 0 ? "has no sound record"
                                        : "has records " + std::to_string(out_.first_seq) + " to " +
                                              std::to_string(out_.head.seq))});
        return std::move(out_);
    }

private:
    [[nodiscard]] bool is_sound(sealed_line const& parts) noexcept {
        std::uint64_t const epoch = epoch_of(parts.seq);
        if (epoch == key_.epoch())
            return crypto::constant_time_equal(key_.mac(parts.sealed), parts.mac);
        // Another epoch is tried with the spare key, for the line may be forged. What claims to be further than any gap
        // is; and after some 40 s of walking to and fro every line is held to be.
        constexpr std::uint64_t furthest = 1'000'000;
        if (out_.records != 0 && epoch > key_.epoch() + furthest) return false;
        if (epoch < spare_.epoch()) spare_ = epoch_key{initial_};
        std::uint64_t const steps = epoch - spare_.epoch();
        if (steps > walk_budget_) return false;
        walk_budget_ -= steps;
        spare_.advance_to(epoch);
        bool const sound = crypto::constant_time_equal(spare_.mac(parts.sealed), parts.mac);
        if (sound) std::swap(key_, spare_);
        return sound;
    }

    /// Holds the place of a sound record against what is expected.
    void place(sealed_line const& parts) {
        settle_torn_end(parts.seq == next_seq_ && parts.prev == out_.head.mac);
        ++out_.records;
        if (expected_ && parts.seq == expected_->seq && parts.mac == expected_->mac)
            anchor_seen_ = true;
        if (parts.torn) excuse(*parts.torn);
        std::uint64_t const bad = std::exchange(bad_, 0);

        if (next_seq_ == 0) {
            out_.first_seq = parts.seq;
            if (!may_begin_file(parts))
                report(flaw::missing, 1, parts.seq - 1,
                       "missing before this line, with which no log file begins");
        } else if (parts.seq < next_seq_) {
            if (parts.seq != 1) {
                report(flaw::out_of_order, parts.seq, parts.seq,
                       parts.mac == out_.head.mac
                           ? "stands here a second time"
                           : "stands here after record " + std::to_string(out_.head.seq));
                return;
            }
            report(flaw::restarted, 1, 1,
                   "begins the chain anew after record " + std::to_string(out_.head.seq));
        } else if (parts.seq > next_seq_ + bad) {
            std::string what = "missing before this line";
            if (bad != 0)
                what += "; the bad lines above may be " + std::to_string(bad) + " of them";
            report(flaw::missing, next_seq_, parts.seq - 1, what);
        } else if (parts.seq == next_seq_ && parts.prev != out_.head.mac) {
            report(flaw::forked, parts.seq, parts.seq,
                   "is sound, but does not follow from the record before it");
        }
        out_.head = {parts.seq, parts.mac};
        next_seq_ = parts.seq + 1;
    }

    void bad_line() {
        settle_torn_end(false);
        ++bad_;
    }

    /// A file that ends within a line is in order where the chain goes on without it: then the line was never part of
    /// it, or stands whole in the next file.
    void settle_torn_end(bool chain_goes_on) {
        if (!torn_end_) return;
        if (chain_goes_on)
            out_.notes.push_back(torn_end_->text + "; the chain goes on after it without a gap");
        else
            add(*torn_end_);
        torn_end_.reset();
    }

    /// A record says that the remains before it were torn off by a crash: they are no finding then.
    void excuse(crypto::digest const& torn) {
        for (std::size_t i = 0; i != foreign_.size(); ++i) {
            if (foreign_[i] != torn || out_.findings[i].kind != flaw::foreign) continue;
            out_.notes.push_back(out_.findings[i].text +
                                 "; the record after it says that a crash cut it off");
            out_.findings.erase(out_.findings.begin() + static_cast<std::ptrdiff_t>(i));
            foreign_.erase(foreign_.begin() + static_cast<std::ptrdiff_t>(i));
            --out_.finding_count;
            return;
        }
    }

    void report(flaw kind, std::uint64_t seq, std::uint64_t last_seq, std::string_view what,
                crypto::digest const& digest = {}) {
        if (out_.findings.size() >= max_findings) {
            ++out_.finding_count;
            return;
        }
        std::string text = file_ + ":" + std::to_string(line_) + ": ";
        if (kind == flaw::foreign)
            text += "the line ";
        else if (seq == last_seq)
            text += "record " + std::to_string(seq) + ' ';
        else
            text += "records " + std::to_string(seq) + " to " + std::to_string(last_seq) + ' ';
        text += what;
        add({kind, file_, line_, seq, last_seq, std::move(text)}, digest);
    }

    void add(finding one, crypto::digest const& digest = {},
             std::optional<std::size_t> place = {}) {
        ++out_.finding_count;
        if (out_.findings.size() >= max_findings) return;
        auto const at = static_cast<std::ptrdiff_t>(place.value_or(out_.findings.size()));
        out_.findings.insert(out_.findings.begin() + at, std::move(one));
        foreign_.insert(foreign_.begin() + at, digest);
    }

    chain_key initial_;
    std::optional<anchor> expected_;
    epoch_key key_;
    epoch_key spare_;
    std::uint64_t walk_budget_ = 300'000'000;
    verification out_;
    std::vector<crypto::digest> foreign_; // of the line of each finding, for `excuse`
    std::string file_;
    std::uint64_t line_ = 0;
    std::uint64_t next_seq_ = 0; // 0 before the first sound record
    std::uint64_t bad_ = 0;      // lines since the last sound record that are none
    std::uint64_t altered_ = 0;
    std::optional<finding> torn_end_; // until it is known whether the chain goes on
    bool anchor_seen_ = false;
};

} // namespace mcp_provider::audit
