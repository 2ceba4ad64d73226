// What a server offers at one moment: never changed, but replaced, so that a call keeps what it has found.
#pragma once

#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/mcp/detail/uri_template.hpp"
#include "mcp_provider/mcp/handler.hpp"
#include "mcp_provider/mcp/mirrored_arguments.hpp"
#include "mcp_provider/mcp/results.hpp"
#include "mcp_provider/mcp/types.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::mcp::detail {

/// *Errors*: throws `std::invalid_argument` for a text that is no schema.
[[nodiscard]] inline boost::json::value parse_schema(std::string const& text, std::string_view of) {
    auto parsed = json::parse(text, json::parse_limits{64, 1024 * 1024});
    if (!parsed)
        throw std::invalid_argument{"the schema of " + std::string{of} + ": " +
                                    parsed.error().message()};
    return *std::move(parsed);
}

[[nodiscard]] inline bool is_object_schema(boost::json::value const& schema) {
    auto const* const members = schema.if_object();
    auto const* const type = members != nullptr ? members->if_contains("type") : nullptr;
    return type != nullptr && *type == "object";
}

class tool_entry {
public:
    tool_entry(tool what, handler<tool_result> its_handler)
        : declared{std::move(what)},
          schema(parse_schema(declared.input_schema, declared.name)), run{std::move(its_handler)} {
        if (declared.name.empty() || declared.name.size() > 128 ||
            declared.name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                            "0123456789_-./") != std::string::npos)
            throw std::invalid_argument{"a tool is named by 1 to 128 of A-Z a-z 0-9 _ - . /"};
        if (!is_object_schema(schema))
            throw std::invalid_argument{"the input schema of " + declared.name +
                                        " must be of type object"};
        auto found = mirrored_arguments(schema);
        if (!found)
            throw std::invalid_argument{"the input schema of " + declared.name + ": " +
                                        found.error().message()};
        mirrored = *std::move(found);
        output_fits_legacy = !declared.output_schema.empty() &&
                             is_object_schema(parse_schema(declared.output_schema, declared.name));
    }

    [[nodiscard]] std::string const& key() const noexcept { return declared.name; }
    void append_to(std::string& out, revision spoken) const {
        declared.append_to(out, spoken, output_fits_legacy);
    }

    tool declared;
    boost::json::value schema;
    handler<tool_result> run;
    std::vector<mirrored_argument> mirrored;
    bool output_fits_legacy = false;
};

class resource_entry {
public:
    resource_entry(resource what, handler<read_result> its_handler)
        : declared{std::move(what)}, run{std::move(its_handler)} {}
    [[nodiscard]] std::string const& key() const noexcept { return declared.uri; }
    void append_to(std::string& out, revision spoken) const { declared.append_to(out, spoken); }

    resource declared;
    handler<read_result> run;
};

class prompt_entry {
public:
    prompt_entry(prompt what, handler<prompt_result> its_handler)
        : declared{std::move(what)}, run{std::move(its_handler)} {}
    [[nodiscard]] std::string const& key() const noexcept { return declared.name; }
    void append_to(std::string& out, revision spoken) const { declared.append_to(out, spoken); }

    prompt declared;
    handler<prompt_result> run;
};

/// Proposals for one argument of a prompt, or one variable of a template.
class completion_entry {
public:
    completion_entry(std::string of, std::string argument, handler<completion_result> its_handler)
        : run{std::move(its_handler)}, key_{key_of(of, argument)} {}
    [[nodiscard]] static std::string key_of(std::string_view of, std::string_view argument) {
        std::string out{of};
        out += '\n';
        out += argument;
        return out;
    }
    [[nodiscard]] std::string const& key() const noexcept { return key_; }

    handler<completion_result> run;

private:
    std::string key_;
};

/// Entries in the order in which they were added, found by their key. *Complexity*: linear; a server has few.
template <class Entry>
class list_of {
public:
    [[nodiscard]] std::shared_ptr<Entry const> find(std::string_view key) const {
        for (auto const& one : entries_)
            if (one->key() == key) return one;
        return nullptr;
    }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] std::vector<std::shared_ptr<Entry const>> const& all() const noexcept {
        return entries_;
    }
    /// Adds an entry, or puts it in the place of the one with its key.
    void put(std::shared_ptr<Entry const> one) {
        for (auto& there : entries_)
            if (there->key() == one->key()) {
                there = std::move(one);
                return;
            }
        entries_.push_back(std::move(one));
    }
    bool remove(std::string_view key) {
        return std::erase_if(entries_, [&](auto const& one) { return one->key() == key; }) != 0;
    }

private:
    std::vector<std::shared_ptr<Entry const>> entries_;
};

class catalogue {
public:
    list_of<tool_entry> tools;
    list_of<resource_entry> resources;
    list_of<resource_entry> templates;
    list_of<prompt_entry> prompts;
    list_of<completion_entry> completions;
};

} // namespace mcp_provider::mcp::detail
