// A request whose head has been read: views into the connection's buffer, nothing copied.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/request_id.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/http/peer.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::http {

/// The methods that routes know; any other token is `other` and its text in `request::method_name()`.
enum class method : std::uint8_t {
    get,
    head,
    post,
    put,
    patch,
    del,
    options,
    connect,
    trace,
    other
};

/// Maps a method's name, case-sensitive (RFC 9110 §9.1).
[[nodiscard]] constexpr method method_of(std::string_view name) noexcept {
    if (name == "GET") return method::get;
    if (name == "POST") return method::post;
    if (name == "HEAD") return method::head;
    if (name == "OPTIONS") return method::options;
    if (name == "PUT") return method::put;
    if (name == "PATCH") return method::patch;
    if (name == "DELETE") return method::del;
    if (name == "CONNECT") return method::connect;
    if (name == "TRACE") return method::trace;
    return method::other;
}

/// How the body of a request is framed (RFC 9112 §6).
struct body_framing {
    bool chunked = false;
    std::uint64_t content_length = 0; ///< 0 with `!chunked` means that there is no body
    [[nodiscard]] bool has_body() const noexcept { return chunked || content_length != 0; }
};

/// One request. Filled by `request_parser`, or by a test with `set_…`; policies and handlers read it.
/// *Lifetime*: the views are good until `on_complete` has returned. *Thread safety*: shared objects unsafe.
class request {
public:
    request() = default;

    [[nodiscard]] method verb() const noexcept { return verb_; }
    [[nodiscard]] std::string_view method_name() const noexcept { return method_name_; }
    /// The request target as it was sent, with its query.
    [[nodiscard]] std::string_view target() const noexcept { return target_; }
    /// The path as it was sent, but with runs of `/` made one; never percent-decoded, so that no decision depends on decoding.
    [[nodiscard]] std::string_view path() const noexcept { return path_; }
    /// The query without its `?`; empty where there is none.
    [[nodiscard]] std::string_view query() const noexcept { return query_; }
    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    [[nodiscard]] std::uint8_t minor_version() const noexcept { return minor_version_; }
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
    [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
    [[nodiscard]] body_framing const& framing() const noexcept { return framing_; }
    [[nodiscard]] std::size_t head_bytes() const noexcept { return head_bytes_; }

    [[nodiscard]] std::span<field_view const> fields() const noexcept { return fields_; }
    /// The value of the first field of that name; nothing where there is none.
    [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const noexcept {
        for (field_view const& one : fields_)
            if (equals_ignoring_case(one.name, name)) return one.value;
        return std::nullopt;
    }

    [[nodiscard]] request_id const& id() const noexcept { return id_; }
    /// Precondition: the request came from a connection or a test that set one.
    [[nodiscard]] http::peer const& peer() const noexcept { return *peer_; }

    /// Why the request could not be read; null for a good one. What was read before the mistake is here.
    [[nodiscard]] rejection const* malformation() const noexcept {
        return malformation_ ? &*malformation_ : nullptr;
    }

    // What a parser, a connection or a test sets.
    void set_line(std::string_view name, std::string_view target, std::uint8_t minor_version) {
        method_name_ = name;
        verb_ = method_of(name);
        minor_version_ = minor_version;
        keep_alive_ = minor_version != 0;
        set_target(target);
    }
    void add_field(std::string_view name, std::string_view value) {
        fields_.push_back(field_view{name, value});
    }
    void set_framing(body_framing framing) noexcept { framing_ = framing; }
    void set_keep_alive(bool keep) noexcept { keep_alive_ = keep; }
    void set_expects_continue(bool expects) noexcept { expects_continue_ = expects; }
    void set_head_bytes(std::size_t bytes) noexcept { head_bytes_ = bytes; }
    void set_id(request_id id) noexcept { id_ = id; }
    void set_peer(http::peer const& who) noexcept { peer_ = &who; }
    void set_malformation(rejection why) { malformation_.emplace(std::move(why)); }
    /// Forgets everything but the storage, so that the next request of the connection allocates nothing.
    void clear() noexcept {
        fields_.clear();
        collapsed_.clear();
        method_name_ = target_ = path_ = query_ = {};
        verb_ = method::other;
        framing_ = {};
        malformation_.reset();
        head_bytes_ = 0;
        keep_alive_ = expects_continue_ = false;
        minor_version_ = 1;
    }

private:
    void set_target(std::string_view target) {
        target_ = target;
        auto const mark = target.find('?');
        path_ = target.substr(0, mark);
        query_ = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
        if (path_.find("//") == std::string_view::npos) return;
        collapsed_.clear();
        for (char c : path_)
            if (c != '/' || collapsed_.empty() || collapsed_.back() != '/') collapsed_.push_back(c);
        path_ = collapsed_;
    }

    std::string_view method_name_;
    std::string_view target_;
    std::string_view path_;
    std::string_view query_;
    std::string collapsed_;
    std::vector<field_view> fields_;
    body_framing framing_;
    std::size_t head_bytes_ = 0;
    http::peer const* peer_ = nullptr;
    std::optional<rejection> malformation_;
    request_id id_;
    method verb_ = method::other;
    std::uint8_t minor_version_ = 1;
    bool keep_alive_ = false;
    bool expects_continue_ = false;
};

/// The whole body of a request, decoded from its framing. A fact: the pipeline reads it before the first policy that
/// needs it, and not at all where none does. *Lifetime*: until the handler has returned its response.
struct body {
    std::string_view text;
};

} // namespace mcp_provider::http
