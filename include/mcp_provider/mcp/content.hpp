// Content blocks and resource contents: what tools, prompts and resources are answered with.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/json/reader.hpp"
#include "mcp_provider/json/serialize.hpp"
#include "mcp_provider/json/write.hpp"
#include "mcp_provider/mcp/protocol.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::mcp {

namespace detail {

/// Appends `,"name":"text"`, or nothing where the text is empty.
inline void append_text_member(std::string& out, std::string_view name, std::string_view text) {
    if (text.empty()) return;
    (out += ",\"") += name;
    out += "\":";
    json::append_quoted(out, text);
}

/// Appends `,"name":json`, or nothing where the text is empty.
inline void append_json_member(std::string& out, std::string_view name, std::string_view text) {
    if (text.empty()) return;
    (out += ",\"") += name;
    (out += "\":") += text;
}

} // namespace detail

/// What a resource holds: text, or bytes as base64.
class resource_contents {
public:
    /// Text. An empty `mime_type` is left out.
    [[nodiscard]] static resource_contents text(std::string_view uri, std::string_view mime_type,
                                                std::string_view text) {
        return resource_contents{uri, mime_type, "text", text};
    }
    /// Bytes, which become base64.
    [[nodiscard]] static resource_contents bytes(std::string_view uri, std::string_view mime_type,
                                                 std::string_view bytes) {
        return resource_contents{uri, mime_type, "blob", crypto::base64_encode(bytes)};
    }

    /// The object as JSON.
    [[nodiscard]] std::string const& json() const noexcept { return json_; }

private:
    resource_contents(std::string_view uri, std::string_view mime_type, std::string_view member,
                      std::string_view value) {
        json_ = R"({"uri":)";
        json::append_quoted(json_, uri);
        detail::append_text_member(json_, "mimeType", mime_type);
        ((json_ += ",\"") += member) += "\":";
        json::append_quoted(json_, value);
        json_ += '}';
    }

    std::string json_;
};

/// One block of content. Kept as the JSON that goes out, so that what is passed on loses nothing.
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class content {
public:
    enum class kind : std::uint8_t {
        text,
        image,
        audio,         ///< since 2025-03-26
        resource_link, ///< since 2025-06-18
        resource,      ///< contents that stand in the block itself
        tool_use,      ///< in sampling only
        tool_result,   ///< in sampling only
    };

    [[nodiscard]] static content text(std::string_view text) {
        content out{kind::text, text};
        out.json_ = R"({"type":"text","text":)";
        json::append_quoted(out.json_, text);
        out.json_ += '}';
        return out;
    }
    /// `base64` is the image's bytes in base64: `crypto::base64_encode` makes it.
    [[nodiscard]] static content image(std::string_view base64, std::string_view mime_type) {
        return media(kind::image, "image", base64, mime_type);
    }
    [[nodiscard]] static content audio(std::string_view base64, std::string_view mime_type) {
        return media(kind::audio, "audio", base64, mime_type);
    }
    [[nodiscard]] static content embedded(resource_contents const& what) {
        content out{kind::resource, {}};
        out.json_ = R"({"type":"resource","resource":)";
        (out.json_ += what.json()) += '}';
        return out;
    }
    /// Points to a resource that the client may read.
    [[nodiscard]] static content link(std::string_view uri, std::string_view name,
                                      std::string_view description = {},
                                      std::string_view mime_type = {}) {
        content out{kind::resource_link, uri};
        out.json_ = R"({"type":"resource_link","uri":)";
        json::append_quoted(out.json_, uri);
        out.json_ += R"(,"name":)";
        json::append_quoted(out.json_, name);
        detail::append_text_member(out.json_, "description", description);
        detail::append_text_member(out.json_, "mimeType", mime_type);
        out.json_ += '}';
        return out;
    }

    /// Reads a block that a peer sent. Members that are not known are kept.
    /// *Errors*: `bad_request` with the place in `where()`: a block of an unknown type, or one that lacks what its type needs.
    [[nodiscard]] static result<content> read(boost::json::value const& value) {
        json::reading pass{value};
        content out = read(pass.root());
        if (auto read = pass.outcome(); !read) return std::move(read).error();
        return out;
    }
    /// As above, as part of a larger pass, which keeps the complaint.
    [[nodiscard]] static content read(json::reader in) {
        std::string_view const type = in["type"].text();
        content out{kind::text, {}};
        if (type == "text") {
            out.text_ = in["text"].text();
        } else if (type == "image" || type == "audio") {
            out.kind_ = type == "image" ? kind::image : kind::audio;
            out.text_ = in["data"].text();
            (void)in["mimeType"].text();
        } else if (type == "resource_link") {
            out.kind_ = kind::resource_link;
            out.text_ = in["uri"].text();
            (void)in["name"].text();
        } else if (type == "resource") {
            out.kind_ = kind::resource;
            json::reader const held = in["resource"];
            (void)held["uri"].text();
            (void)held[held["blob"].present() ? "blob" : "text"].text();
        } else if (type == "tool_use") {
            out.kind_ = kind::tool_use;
            (void)in["id"].text();
            out.text_ = in["name"].text();
            (void)in["input"].members();
        } else if (type == "tool_result") {
            out.kind_ = kind::tool_result;
            out.text_ = in["toolUseId"].text();
            for (json::reader const one : in["content"].elements()) (void)read(one);
        } else {
            in["type"].complain("is no type of content that is known");
        }
        if (in.value() != nullptr) out.json_ = json::to_text(*in.value());
        return out;
    }

    /// Adds annotations: the text of an object with `audience`, `priority`, `lastModified`.
    [[nodiscard]] content&& annotated(std::string_view annotations) && {
        json_.pop_back();
        detail::append_json_member(json_, "annotations", annotations);
        json_ += '}';
        return std::move(*this);
    }

    [[nodiscard]] kind type() const noexcept { return kind_; }
    /// The text of a text block, the base64 of an image or audio, the address of a link, the name or id of a tool's use.
    [[nodiscard]] std::string const& text() const noexcept { return text_; }
    /// The block as JSON.
    [[nodiscard]] std::string const& json() const noexcept { return json_; }

    /// Appends the block as a peer of that revision can read it: what came later than the revision becomes text.
    void append_to(std::string& out, revision spoken) const {
        if (kind_ == kind::audio && spoken < revision::v2025_03_26)
            out += text("(audio, which this client's protocol cannot carry)").json_;
        else if (kind_ == kind::resource_link && spoken < revision::v2025_06_18)
            out += text(text_).json_;
        else
            out += json_;
    }

private:
    content(kind type, std::string_view text) : kind_{type}, text_{text} {}

    static content media(kind type, std::string_view name, std::string_view base64,
                         std::string_view mime_type) {
        content out{type, base64};
        out.json_ = R"({"type":")";
        (out.json_ += name) += R"(","data":)";
        json::append_quoted(out.json_, base64);
        out.json_ += R"(,"mimeType":)";
        json::append_quoted(out.json_, mime_type);
        out.json_ += '}';
        return out;
    }

    kind kind_;
    std::string text_;
    std::string json_;
};

} // namespace mcp_provider::mcp
