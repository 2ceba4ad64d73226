// Checks the files of an audit log as one chain, and tells what was found.
#pragma once

#include "mcp_provider/audit/chain_checker.hpp"
#include "mcp_provider/audit/chain_files.hpp"
#include "mcp_provider/audit/hash_chain.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/json/write.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace mcp_provider::audit {

namespace detail {

/// The number of the first record as the file claims it, to put files in order; the greatest where it says nothing.
[[nodiscard]] inline std::uint64_t first_seq_of(std::string const& path) noexcept {
    std::array<char, 64> text;
    descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    std::string_view start{text.data(),
                           file ? read_at(file.get(), text.data(), text.size(), 0) : 0};
    std::uint64_t seq = ~std::uint64_t{0};
    if (!start.starts_with(line_start)) return seq;
    start.remove_prefix(line_start.size());
    std::from_chars(start.data(), start.data() + start.size(), seq);
    return seq;
}

/// Reads a file piece by piece and checks its lines.
inline void check_file(chain_checker& checker, std::string const& path) {
    constexpr std::size_t piece = 256 * 1024;
    constexpr std::size_t longest_line =
        4 * 1024 * 1024; // a foreign one; ours have at most some 400 KiB
    checker.begin_file(path);
    descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) return checker.unreadable(path, last_error().message());

    std::string text;
    std::size_t have = 0;
    // The log may be in use: what looks torn may be a write that is under way.
    for (int patience = 5; patience != 0;) {
        if (text.size() - have < piece) text.resize(have + piece);
        ssize_t const got = ::read(file.get(), text.data() + have, text.size() - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return checker.unreadable(path, last_error().message());
        if (got == 0) {
            if (have == 0) return;
            if (--patience != 0) std::this_thread::sleep_for(std::chrono::milliseconds{20});
            continue;
        }
        std::size_t searched = have;
        have += static_cast<std::size_t>(got);
        std::size_t begin = 0;
        while (auto const* const end = static_cast<char const*>(
                   std::memchr(text.data() + searched, '\n', have - searched))) {
            auto const at = static_cast<std::size_t>(end - text.data());
            checker.check(std::string_view{text}.substr(begin, at - begin));
            searched = begin = at + 1;
        }
        if (have - begin > longest_line) {
            checker.check(std::string_view{text}.substr(begin, have - begin));
            begin = have;
        }
        std::memmove(text.data(), text.data() + begin, have - begin);
        have -= begin;
    }
    checker.end_torn(have);
}

} // namespace detail

/// Checks log files as one chain, in the order of their records, whatever order they are given in. With an `expected`
/// anchor it finds records cut off at the end too; without one nobody can.
/// *Complexity*: linear, at the speed of HMAC-SHA-256; constant memory. *Errors*: files that cannot be read are findings.
[[nodiscard]] inline verification verify(chain_key const& initial, std::vector<std::string> files,
                                         std::optional<anchor> const& expected = {}) {
    std::vector<std::pair<std::uint64_t, std::string>> in_order;
    for (std::string& file : files) {
        std::uint64_t const seq = detail::first_seq_of(file);
        in_order.emplace_back(seq, std::move(file));
    }
    std::sort(in_order.begin(), in_order.end());
    chain_checker checker{initial, expected};
    for (auto const& [seq, file] : in_order) detail::check_file(checker, file);
    return checker.finish();
}

/// Tells a person: the findings, the notes, and in the last line the verdict.
[[nodiscard]] inline std::string describe(verification const& found) {
    std::string text;
    for (finding const& one : found.findings) text += one.text + "\n";
    if (found.finding_count > found.findings.size())
        text += "… and " + std::to_string(found.finding_count - found.findings.size()) + " more\n";
    for (std::string const& note : found.notes) text += "note: " + note + "\n";
    text += found.ok() ? "ok: " : "NOT ok: " + std::to_string(found.finding_count) + " findings; ";
    if (found.records == 0) return text + "no sound records\n";
    return text + std::to_string(found.records) + " sound records, " +
           std::to_string(found.first_seq) + " to " + std::to_string(found.head.seq) + ", head " +
           crypto::hex_encode(crypto::as_text(found.head.mac)) + "\n";
}

/// Tells a program: one JSON object.
[[nodiscard]] inline std::string to_json(verification const& found) {
    std::string out = found.ok() ? "{\"ok\":true" : "{\"ok\":false";
    auto const number = [&](std::string_view name, std::uint64_t value) {
        json::append_number(out += name, value);
    };
    number(",\"records\":", found.records);
    number(",\"bytes\":", found.bytes);
    number(",\"first_seq\":", found.first_seq);
    number(",\"head\":{\"seq\":", found.head.seq);
    out += ",\"mac\":\"" + crypto::hex_encode(crypto::as_text(found.head.mac)) + "\"}";
    number(",\"finding_count\":", found.finding_count);
    std::string_view separator = ",\"findings\":[";
    for (finding const& one : found.findings) {
        out += separator;
        separator = ",";
        out += "{\"kind\":\"";
        out += name_of(one.kind);
        json::append_quoted(out += "\",\"file\":", one.file);
        number(",\"line\":", one.line);
        number(",\"seq\":", one.seq);
        number(",\"last_seq\":", one.last_seq);
        json::append_quoted(out += ",\"text\":", one.text);
        out += '}';
    }
    out += separator == "," ? "]" : ",\"findings\":[]";
    separator = ",\"notes\":[";
    for (std::string const& note : found.notes) {
        json::append_quoted(out += separator, note);
        separator = ",";
    }
    return out += separator == "," ? "]}" : ",\"notes\":[]}";
}

} // namespace mcp_provider::audit
