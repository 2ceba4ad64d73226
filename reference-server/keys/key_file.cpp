#include "keys/key_file.hpp"

#include "config/private_file.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/reader.hpp"
#include "mcp_provider/json/write.hpp"

#include <unistd.h>

#include <set>
#include <utility>

namespace mcp_provider::server {

namespace {

constexpr std::string_view remedy =
    "; restore it from a backup, or remove it to begin without keys";

[[noreturn]] void refuse(std::string const& file, std::string_view what) {
    throw key_file_error{"the key file " + file + " " + std::string{what} + std::string{remedy}};
}

void append_moment(std::string& out, std::string_view name, std::optional<moment> const& when) {
    out += name;
    if (when)
        json::append_quoted(out, to_text(*when));
    else
        out += "null";
}

void append_list(std::string& out, std::string_view name, std::vector<std::string> const& words) {
    out += name;
    out += '[';
    for (std::size_t i = 0; i != words.size(); ++i) {
        if (i != 0) out += ',';
        json::append_quoted(out, words[i]);
    }
    out += ']';
}

std::optional<moment> read_time(json::reader const& from) {
    std::optional<moment> const when = read_moment(from.text());
    if (!when) from.complain("must be a moment such as 2026-11-23T02:49:17Z");
    return when;
}

key_record read_key(json::reader const& from) {
    from.complain_of_members_beside(
        {"id", "label", "sha256", "scopes", "models", "created", "expires", "revoked"});
    key_record key;
    key.id = from["id"].text();
    if (!key.id.starts_with("key_") || key.id.size() <= 4)
        from["id"].complain("must begin with key_");
    key.label = from["label"].text();
    if (!crypto::hex_decode_into(key.token_digest, from["sha256"].text()))
        from["sha256"].complain("must be 64 hexadecimal digits");
    for (json::reader const word : from["scopes"].elements()) {
        if (auto const one = scope_of(word.text()))
            key.may = key.may | *one;
        else
            word.complain("is a scope that this version does not know");
    }
    for (json::reader const model : from["models"].elements(0, max_models_of_key))
        key.models.emplace_back(model.text());
    key.created = read_time(from["created"]).value_or(moment{});
    // "expires" and "revoked" must be there, so that cutting one out is noticed.
    for (auto const& [name, to] :
         {std::pair{"expires", &key.expires}, std::pair{"revoked", &key.revoked}}) {
        json::reader const when = from[name];
        if (when.value() == nullptr)
            when.complain("must be a moment or null");
        else if (when.present())
            *to = read_time(when);
    }
    return key;
}

} // namespace

std::string write_keys(std::vector<key_record> const& keys) {
    std::string out = "{\"version\":1,\"keys\":[";
    for (std::size_t i = 0; i != keys.size(); ++i) {
        key_record const& key = keys[i];
        std::vector<std::string> words;
        for (scope const one : {scope::discover, scope::generate, scope::metrics, scope::events,
                                scope::agent, scope::admin})
            if (key.may.has(one)) words.emplace_back(name_of(one));
        out += i == 0 ? "\n{\"id\":" : ",\n{\"id\":";
        json::append_quoted(out, key.id);
        out += ",\"label\":";
        json::append_quoted(out, key.label);
        out += ",\"sha256\":\"";
        crypto::append_hex(out, crypto::as_text(key.token_digest));
        append_list(out, "\",\"scopes\":", words);
        append_list(out, ",\"models\":", key.models);
        append_moment(out, ",\"created\":", key.created);
        append_moment(out, ",\"expires\":", key.expires);
        append_moment(out, ",\"revoked\":", key.revoked);
        out += '}';
    }
    out += "\n]}\n";
    return out;
}

std::vector<key_record> read_keys(std::string_view text, std::string const& file_name) {
    result<boost::json::value> const document = json::parse(text, {4, max_key_file_bytes});
    if (!document) refuse(file_name, "is damaged: " + document.error().message());
    json::reading pass{*document};
    json::reader const root = pass.root();
    if (root.is_object() && root["version"].is_number() && root["version"].integer() != 1)
        refuse(file_name, "is of a version that this program does not know");
    root.complain_of_members_beside({"version", "keys"});
    if (root["version"].integer(1, 1) != 1) refuse(file_name, "is not ours: it has no version");

    std::vector<key_record> keys;
    std::set<std::string> ids;
    std::set<crypto::digest> digests;
    for (json::reader const one : root["keys"].elements(0, max_keys)) {
        keys.push_back(read_key(one));
        if (!ids.insert(keys.back().id).second) one["id"].complain("stands in another key too");
        if (!digests.insert(keys.back().token_digest).second)
            one["sha256"].complain("stands in another key too");
    }
    if (auto const outcome = pass.outcome(); !outcome)
        refuse(file_name, "is not as we write it: " + outcome.error().message());
    return keys;
}

key_file_content read_key_file(std::filesystem::path const& path) {
    file_content content = read_whole_file(path, max_key_file_bytes);
    std::string const name = path.string();
    if (content.failure == std::errc::no_such_file_or_directory) return {};
    if (content.failure == std::errc::file_too_large) refuse(name, "is larger than 16 MiB");
    if (content.failure == std::errc::is_a_directory) refuse(name, "is no regular file");
    if (content.failure)
        throw key_file_error{"the key file " + name +
                             " cannot be read: " + content.failure.message()};
    if (std::string_view const wrong = unsafe_mode(content.status, geteuid()); !wrong.empty())
        throw key_file_error{"the key file " + name + " " + std::string{wrong}};
    return {read_keys(content.text, name), content.status};
}

} // namespace mcp_provider::server
