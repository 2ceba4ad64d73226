// The keyed hash chain that makes an audit log tamper-evident: its format and its arithmetic, without files.
//
// A line is canonical JSON, one object, closed by a line feed:
//
//     {"v":1,"seq":S, …members… ,"prev":"P","mac":"M"}
//
// S counts from 1 over all files and restarts of a log. M is HMAC-SHA-256, in hexadecimal, under the key of epoch
// E = (S-1)/256 rounded down, of the line without `,"mac":"M"`. P is the mac of record S-1, 64 zeros where S is 1.
// The key of epoch 0 is the initial key; k(E+1) = SHA-256("mcp_provider audit epoch" k(E)). The borders are fixed, so
// who steals the key of an epoch cannot forge a record of an earlier one, provided that the earlier keys are gone.
// A record that follows the torn remains of another has `"torn":"H"` before `prev`, where H is their SHA-256.
#pragma once

#include "mcp_provider/core/secret.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/crypto/hmac.hpp"
#include "mcp_provider/json/write.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>

namespace mcp_provider::audit {

/// A secret of 32 random bytes under which a chain is made and checked.
using chain_key = crypto::digest;

inline constexpr std::uint64_t epoch_records = 256;
/// No record lies beyond: a line that says so is not ours. To walk to the key of the last epoch takes some ten seconds.
inline constexpr std::uint64_t max_seq = 100'000'000 * epoch_records;
/// How every line begins; the number is the version of the schema.
inline constexpr std::string_view line_start = "{\"v\":1,\"seq\":";

/// The security flags of the records that the log itself leaves, each the first of its record.
inline constexpr std::string_view chain_start_flag = "chain_start"; ///< a chain begins
inline constexpr std::string_view chain_rotated_flag =
    "chain_rotated"; ///< a new file goes on with the chain
inline constexpr std::string_view chain_resumed_flag =
    "chain_resumed"; ///< a restart goes on with the chain ...
inline constexpr std::string_view new_file_flag = "new_file"; ///< ... in a new file
inline constexpr std::string_view records_dropped_flag =
    "records_dropped"; ///< records were lost here

/// The epoch of a record. Precondition: `seq != 0`.
[[nodiscard]] constexpr std::uint64_t epoch_of(std::uint64_t seq) noexcept {
    return (seq - 1) / epoch_records;
}

/// A record's place in the chain and its mac: whoever kept one finds any truncation before it.
struct anchor {
    std::uint64_t seq = 0; ///< 0 before the first record
    crypto::digest mac{};
    bool operator==(anchor const&) const = default;
};

/// The key of the next epoch.
[[nodiscard]] inline chain_key next_epoch_key(chain_key const& key) noexcept {
    constexpr std::string_view label = "mcp_provider audit epoch";
    std::array<char, label.size() + std::tuple_size_v<chain_key>> text;
    label.copy(text.data(), label.size());
    crypto::as_text(key).copy(text.data() + label.size(), key.size());
    chain_key const next = crypto::sha256({text.data(), text.size()});
    wipe(text.data(), text.size());
    return next;
}

/// A short name of an initial key that tells nothing about it.
[[nodiscard]] inline std::string key_id(chain_key const& initial) {
    crypto::sha256_stream stream;
    stream.update("mcp_provider audit key id");
    stream.update(crypto::as_text(initial));
    return crypto::hex_encode(crypto::as_text(stream.finish()).substr(0, 8));
}

/// The key of an epoch, walking forward only; what was passed is wiped.
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class epoch_key {
public:
    explicit epoch_key(chain_key const& initial) noexcept : key_{initial}, prepared_{initial} {}
    epoch_key(epoch_key&&) noexcept = default;
    epoch_key& operator=(epoch_key&&) noexcept = default;
    ~epoch_key() { wipe(key_.data(), key_.size()); }

    [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }
    /// Precondition: `epoch >= this->epoch()`. *Complexity*: an eighth of a microsecond an epoch.
    void advance_to(std::uint64_t epoch) noexcept {
        if (epoch == epoch_) return;
        for (; epoch_ != epoch; ++epoch_) key_ = next_epoch_key(key_);
        prepared_ = crypto::hmac_key{key_};
    }
    /// The mac of a line: of `sealed`, which ends before `,"mac"`, and the closing brace.
    [[nodiscard]] crypto::digest mac(std::string_view sealed) noexcept {
        return prepared_.tag(sealed, "}");
    }

private:
    chain_key key_;
    std::uint64_t epoch_ = 0;
    crypto::hmac_key prepared_;
};

/// Makes the lines of a chain. *Thread safety*: distinct objects safe, shared objects unsafe.
class hash_chain {
public:
    /// Goes on after `last`; by default begins a new chain.
    explicit hash_chain(chain_key const& initial, anchor const& last = {}) noexcept
        : key_{initial}, head_{last} {
        key_.advance_to(epoch_of(last.seq + 1));
    }

    /// Appends one line with these members, and a line feed. `torn` is the digest of torn remains before it.
    void append(std::string& out, std::string_view members,
                std::optional<crypto::digest> const& torn = {}) {
        key_.advance_to(epoch_of(head_.seq + 1));
        std::size_t const start = out.size();
        out += line_start;
        json::append_number(out, head_.seq + 1);
        out += ',';
        out += members;
        if (torn) append_digest(out, ",\"torn\":\"", *torn);
        append_digest(out, ",\"prev\":\"", head_.mac);
        head_.mac = key_.mac(std::string_view{out}.substr(start));
        append_digest(out, ",\"mac\":\"", head_.mac);
        out += "}\n";
        ++head_.seq;
    }

    /// The last record that was appended.
    [[nodiscard]] anchor const& head() const noexcept { return head_; }

private:
    static void append_digest(std::string& out, std::string_view prefix,
                              crypto::digest const& digest) {
        out += prefix;
        crypto::append_hex(out, crypto::as_text(digest));
        out += '"';
    }

    epoch_key key_;
    anchor head_;
};

/// A line taken apart; nothing is checked but its shape.
struct sealed_line {
    std::uint64_t seq = 0;
    crypto::digest prev{};
    crypto::digest mac{};
    std::optional<crypto::digest> torn;
    std::string_view sealed; ///< the line up to `,"mac"`
};

/// Takes a line, without its line feed, apart by its fixed beginning and end; nothing where it has another shape.
/// *Complexity*: constant. *Lifetime*: `sealed` refers to `line`.
[[nodiscard]] inline std::optional<sealed_line> take_apart(std::string_view line) noexcept {
    constexpr std::size_t digest_digits = 64;
    sealed_line parts;
    std::string_view front = line;
    auto const eat = [&](std::string_view text) {
        return front.starts_with(text) && (front.remove_prefix(text.size()), true);
    };
    auto const eat_seq = [&] {
        auto const [end, failure] =
            std::from_chars(front.data(), front.data() + front.size(), parts.seq);
        if (failure != std::errc{} || front[0] == '0' || parts.seq > max_seq) return false;
        front.remove_prefix(static_cast<std::size_t>(end - front.data()));
        return true;
    };
    std::string_view rest = line;
    auto const eat_digest_at_end = [&](std::string_view prefix, crypto::digest& digest) {
        std::size_t const size = prefix.size() + digest_digits + 1;
        if (rest.size() < size || rest.back() != '"' ||
            !rest.substr(rest.size() - size).starts_with(prefix))
            return false;
        if (!crypto::hex_decode_into(digest,
                                     rest.substr(rest.size() - digest_digits - 1, digest_digits)))
            return false;
        rest.remove_suffix(size);
        return true;
    };

    if (!eat(line_start) || !eat_seq() || !eat(",") || !rest.ends_with('}')) return std::nullopt;
    rest.remove_suffix(1);
    if (!eat_digest_at_end(",\"mac\":\"", parts.mac)) return std::nullopt;
    parts.sealed = rest;
    if (!eat_digest_at_end(",\"prev\":\"", parts.prev)) return std::nullopt;
    if (crypto::digest torn; eat_digest_at_end(",\"torn\":\"", torn)) parts.torn = torn;
    return parts;
}

/// Whether a log file may begin with this record: where it does not, what was before it has been cut off.
[[nodiscard]] inline bool may_begin_file(sealed_line const& parts) {
    constexpr std::string_view flags = "\"security_flags\":[";
    std::size_t const at = parts.sealed.rfind(flags); // unescaped, so no text of a client's
    if (parts.seq == 1 || at == std::string_view::npos) return parts.seq == 1;
    std::string_view const names = parts.sealed.substr(at + flags.size());
    auto const begins = [&](std::string_view first, std::string_view second = {}) {
        std::string text;
        json::append_quoted(text, first);
        if (!second.empty()) json::append_quoted(text += ',', second);
        return names.starts_with(text);
    };
    return begins(chain_start_flag) || begins(chain_rotated_flag) ||
           begins(chain_resumed_flag, new_file_flag);
}

} // namespace mcp_provider::audit
