#include "incident/state_file.hpp"

#include "config/private_file.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/reader.hpp"
#include "mcp_provider/json/write.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace mcp_provider::server {

namespace {

constexpr std::size_t max_blocks = 100'000;
constexpr std::size_t max_sessions = 1'002'000;
constexpr std::int64_t last_time = 253'402'300'799'999'999; // the end of year 9999

[[noreturn]] void refuse(std::string const& file, std::string_view what) {
    throw state_file_error{
        "the state file " + file + " " + std::string{what} +
        "; restore it from a backup, or move it away to begin without blocks and "
        "sessions"};
}

void append_time(std::string& out, std::string_view name, system_time when) {
    out += name;
    json::append_number(
        out, std::chrono::floor<std::chrono::microseconds>(when.time_since_epoch()).count());
}

system_time read_time(json::reader const& from) {
    return system_time{std::chrono::microseconds{from.integer(0, last_time)}};
}

std::string read_name(json::reader const& from) {
    std::string_view const text = from.text();
    if (text.empty() || text.size() > 200) from.complain("must be a text of 1 to 200 bytes");
    return std::string{text};
}

saved_block read_block(json::reader const& from) {
    from.complain_of_members_beside({"who", "until_us", "reason"});
    saved_block out;
    out.who = read_name(from["who"]);
    out.until = read_time(from["until_us"]);
    if (auto const why = block_reason_of(from["reason"].text()))
        out.why = *why;
    else
        from["reason"].complain("is a reason that this version does not know");
    return out;
}

session_record read_session(json::reader const& from) {
    from.complain_of_members_beside({"id", "principal", "explicit", "state", "created_us",
                                     "active_us", "suspended_until_us", "requests", "sha256"});
    session_record out;
    out.id = read_name(from["id"]);
    out.principal_id = read_name(from["principal"]);
    out.is_explicit = from["explicit"].boolean();
    std::string_view const state = from["state"].text();
    if (state == name_of(session_state::revoked))
        out.state = session_state::revoked;
    else if (state == name_of(session_state::suspended))
        out.state = session_state::suspended;
    else if (state != name_of(session_state::active))
        from["state"].complain("must be active, suspended or revoked");
    out.created_at = read_time(from["created_us"]);
    out.last_activity = read_time(from["active_us"]);
    json::reader const until = from["suspended_until_us"];
    if (until.value() == nullptr)
        until.complain("must be a time or null");
    else if (until.present())
        out.suspended_until = read_time(until);
    out.request_count = static_cast<std::uint32_t>(
        from["requests"].integer(0, std::numeric_limits<std::uint32_t>::max()));
    for (json::reader const hash : from["sha256"].elements(0, 2)) {
        crypto::digest one{};
        if (!crypto::hex_decode_into(one, hash.text()))
            hash.complain("must be 64 hexadecimal digits");
        out.token_hashes.push_back(one);
    }
    if (out.is_explicit == out.token_hashes.empty())
        from["sha256"].complain("must have a digest for an explicit session, and none for another");
    return out;
}

} // namespace

std::string write_state(saved_state const& state) {
    std::string out = R"({"version":1,"blocks":[)";
    for (std::size_t i = 0; i != state.blocks.size(); ++i) {
        saved_block const& one = state.blocks[i];
        out += i == 0 ? "\n{\"who\":" : ",\n{\"who\":";
        json::append_quoted(out, one.who);
        append_time(out, ",\"until_us\":", one.until);
        out += ",\"reason\":\"";
        out += name_of(one.why);
        out += "\"}";
    }
    out += "],\n\"sessions\":[";
    for (std::size_t i = 0; i != state.sessions.size(); ++i) {
        session_record const& one = state.sessions[i];
        out += i == 0 ? "\n{\"id\":" : ",\n{\"id\":";
        json::append_quoted(out, one.id);
        out += ",\"principal\":";
        json::append_quoted(out, one.principal_id);
        out += one.is_explicit ? ",\"explicit\":true" : ",\"explicit\":false";
        out += ",\"state\":\"";
        out += name_of(one.state);
        append_time(out, "\",\"created_us\":", one.created_at);
        append_time(out, ",\"active_us\":", one.last_activity);
        if (one.suspended_until)
            append_time(out, ",\"suspended_until_us\":", *one.suspended_until);
        else
            out += ",\"suspended_until_us\":null";
        out += ",\"requests\":";
        json::append_number(out, one.request_count);
        out += ",\"sha256\":[";
        for (std::size_t j = 0; j != one.token_hashes.size(); ++j) {
            out += j == 0 ? "\"" : ",\"";
            crypto::append_hex(out, crypto::as_text(one.token_hashes[j]));
            out += '"';
        }
        out += "]}";
    }
    out += "]}\n";
    return out;
}

saved_state read_state(std::string_view text, std::string const& file_name) {
    result<boost::json::value> const document = json::parse(text, {6, max_state_file_bytes});
    if (!document) refuse(file_name, "is damaged: " + document.error().message());
    json::reading pass{*document};
    json::reader const root = pass.root();
    if (root.is_object() && root["version"].is_number() && root["version"].integer() != 1)
        refuse(file_name, "is of a version that this program does not know");
    root.complain_of_members_beside({"version", "blocks", "sessions"});
    if (root["version"].integer(1, 1) != 1) refuse(file_name, "is not ours: it has no version");
    saved_state state;
    for (json::reader const one : root["blocks"].elements(0, max_blocks))
        state.blocks.push_back(read_block(one));
    for (json::reader const one : root["sessions"].elements(0, max_sessions))
        state.sessions.push_back(read_session(one));
    if (auto const outcome = pass.outcome(); !outcome)
        refuse(file_name, "is not as we write it: " + outcome.error().message());
    return state;
}

saved_state read_state_file(std::filesystem::path const& path) {
    file_content const content = read_whole_file(path, max_state_file_bytes);
    std::string const name = path.string();
    if (content.failure == std::errc::no_such_file_or_directory) return {};
    if (content.failure == std::errc::file_too_large) refuse(name, "is larger than 64 MiB");
    if (content.failure == std::errc::is_a_directory) refuse(name, "is no regular file");
    if (content.failure)
        throw state_file_error{"the state file " + name +
                               " cannot be read: " + content.failure.message()};
    if (std::string_view const wrong = unsafe_mode(content.status, ::geteuid()); !wrong.empty())
        throw state_file_error{"the state file " + name + " " + std::string{wrong}};
    return read_state(content.text, name);
}

} // namespace mcp_provider::server
