// What the handlers of tools, resources, prompts and completions return.
#pragma once

#include "mcp_provider/core/result.hpp"
#include "mcp_provider/json/reader.hpp"
#include "mcp_provider/json/serialize.hpp"
#include "mcp_provider/mcp/content.hpp"
#include "mcp_provider/mcp/protocol.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::mcp {

/// What a tool answers. Text becomes one on its own: `return "42";`.
class tool_result {
public:
    tool_result() = default;
    template <class Text>
        requires std::convertible_to<Text const&, std::string_view> tool_result(Text const& text) {
            blocks_.push_back(content::text(text));
        }
    tool_result(content one) { blocks_.push_back(std::move(one)); }
    tool_result(std::vector<content> blocks) : blocks_{std::move(blocks)} {}

    /// A failure that the model shall see and may correct. Not for faults of the protocol: those are rejections.
    [[nodiscard]] static tool_result failed(std::string_view why) {
        tool_result out{why};
        out.failed_ = true;
        return out;
    }

    tool_result& add(content one) & {
        blocks_.push_back(std::move(one));
        return *this;
    }
    /// Adds structured content, as JSON text that the tool's output schema allows. The legacy era takes an object only.
    [[nodiscard]] tool_result&& with_structured(std::string json) && {
        structured_ = std::move(json);
        return std::move(*this);
    }
    /// Adds members to `_meta`: the text of an object.
    [[nodiscard]] tool_result&& with_meta(std::string json) && {
        meta_ = std::move(json);
        return std::move(*this);
    }

    [[nodiscard]] bool is_error() const noexcept { return failed_; }
    [[nodiscard]] std::vector<content> const& blocks() const noexcept { return blocks_; }
    [[nodiscard]] std::string const& structured() const noexcept { return structured_; }
    [[nodiscard]] std::string const& meta() const noexcept { return meta_; }
    /// The text blocks, joined by line ends.
    [[nodiscard]] std::string text() const {
        std::string out;
        for (content const& one : blocks_) {
            if (one.type() != content::kind::text) continue;
            if (!out.empty()) out += '\n';
            out += one.text();
        }
        return out;
    }

    /// Reads the result of `tools/call` that a server sent.
    [[nodiscard]] static result<tool_result> read(boost::json::value const& value) {
        json::reading pass{value};
        json::reader const in = pass.root();
        tool_result out;
        for (json::reader const one : in["content"].elements_or_none())
            out.blocks_.push_back(content::read(one));
        if (in["structuredContent"].present())
            out.structured_ = json::to_text(*in["structuredContent"].value());
        if (in["_meta"].present()) out.meta_ = json::to_text(*in["_meta"].value());
        out.failed_ = in["isError"].boolean_or(false);
        if (auto read = pass.outcome(); !read) return std::move(read).error();
        return out;
    }

    /// Appends the members of the result, without braces and `_meta`.
    void append_members(std::string& out, revision spoken) const {
        out += R"("content":[)";
        bool first = true;
        for (content const& one : blocks_) {
            if (!first) out += ',';
            first = false;
            one.append_to(out, spoken);
        }
        out += ']';
        if (spoken >= revision::v2025_06_18 && (is_modern(spoken) || structured_.starts_with('{')))
            detail::append_json_member(out, "structuredContent", structured_);
        if (failed_) out += R"(,"isError":true)";
    }

private:
    std::vector<content> blocks_;
    std::string structured_;
    std::string meta_;
    bool failed_ = false;
};

/// What reading a resource gives: one or several contents.
class read_result {
public:
    read_result(resource_contents one) { contents_.push_back(std::move(one)); }
    read_result(std::vector<resource_contents> several) : contents_{std::move(several)} {}

    [[nodiscard]] std::string const& meta() const noexcept { return meta_; }
    void append_members(std::string& out, revision) const {
        out += R"("contents":[)";
        bool first = true;
        for (resource_contents const& one : contents_) {
            if (!first) out += ',';
            first = false;
            out += one.json();
        }
        out += ']';
    }

private:
    std::vector<resource_contents> contents_;
    std::string meta_;
};

/// What a prompt becomes: messages of the user and the assistant.
class prompt_result {
public:
    prompt_result() = default;
    /// One message of the user.
    template <class Text>
        requires std::convertible_to<Text const&, std::string_view>
        prompt_result(Text const& text) {
            user(content::text(text));
        }

    prompt_result& user(content one) {
        messages_.emplace_back("user", std::move(one));
        return *this;
    }
    prompt_result& assistant(content one) {
        messages_.emplace_back("assistant", std::move(one));
        return *this;
    }
    prompt_result& described(std::string description) {
        description_ = std::move(description);
        return *this;
    }

    [[nodiscard]] std::string const& meta() const noexcept { return meta_; }
    void append_members(std::string& out, revision spoken) const {
        out += R"("messages":[)";
        bool first = true;
        for (auto const& [role, one] : messages_) {
            if (!first) out += ',';
            first = false;
            (out += R"({"role":")") += role;
            out += R"(","content":)";
            one.append_to(out, spoken);
            out += '}';
        }
        out += ']';
        detail::append_text_member(out, "description", description_);
    }

private:
    std::vector<std::pair<std::string_view, content>> messages_;
    std::string description_;
    std::string meta_;
};

/// Proposals for a value that is being typed. Of more than 100 the first 100 go out.
class completion_result {
public:
    completion_result(std::vector<std::string> values) : values_{std::move(values)} {}
    /// Says how many there are in all, where that is more than are here.
    [[nodiscard]] completion_result&& of(std::size_t total) && {
        total_ = total;
        return std::move(*this);
    }

    [[nodiscard]] std::string const& meta() const noexcept { return meta_; }
    void append_members(std::string& out, revision) const {
        std::size_t const shown = std::min(values_.size(), most);
        std::size_t const total = std::max(total_.value_or(0), values_.size());
        out += R"("completion":{"values":[)";
        for (std::size_t i = 0; i != shown; ++i) {
            if (i != 0) out += ',';
            json::append_quoted(out, values_[i]);
        }
        out += R"(],"total":)";
        json::append_number(out, total);
        out += R"(,"hasMore":)";
        json::append_boolean(out, total > shown);
        out += '}';
    }

private:
    static constexpr std::size_t most = 100;

    std::vector<std::string> values_;
    std::optional<std::size_t> total_;
    std::string meta_;
};

} // namespace mcp_provider::mcp
