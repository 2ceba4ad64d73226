// Values that a modern client repeats in header fields, so that what stands before a server can route by them.
#pragma once

#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/json/serialize.hpp"
#include "mcp_provider/json/write.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::mcp::detail {

/// An argument that stands in `Mcp-Param-NAME` too: its place in the arguments, step by step.
struct parameter_field {
    std::string name;
    std::vector<std::string> path;
    bool is_number = false;
};

/// The text of a field: as it stands, or decoded where it is `=?base64?...?=`. Nothing where that is not canonical
/// base64 of valid UTF-8.
[[nodiscard]] inline std::optional<std::string> decoded_field(std::string_view value) {
    constexpr std::string_view head = "=?base64?";
    constexpr std::string_view tail = "?=";
    if (value.size() < head.size() + tail.size() || !value.starts_with(head) ||
        !value.ends_with(tail))
        return std::string{value};
    value.remove_prefix(head.size());
    value.remove_suffix(tail.size());
    auto decoded = crypto::base64_decode(value);
    if (!decoded) return std::nullopt;
    for (std::string_view rest = *decoded; !rest.empty();) {
        std::size_t const length = json::utf8_sequence_length(rest);
        if (length == 0) return std::nullopt;
        rest.remove_prefix(length);
    }
    return decoded;
}

/// The only field of that name; nothing where there is none, or several that differ.
[[nodiscard]] inline std::optional<std::string_view> only_field(http::request const& asked,
                                                                std::string_view name) {
    std::optional<std::string_view> found;
    for (http::field_view const& one : asked.fields()) {
        if (!http::equals_ignoring_case(one.name, name)) continue;
        std::string_view const value = http::trimmed(one.value);
        if (found && *found != value) return std::nullopt;
        found = value;
    }
    return found;
}

/// Finds `x-mcp-header` in an input schema. *Errors*: throws `std::invalid_argument` where one stands at a place, or has a
/// name or a type, that clients refuse: the tool could not be called.
class parameter_scan {
public:
    [[nodiscard]] static std::vector<parameter_field> of(boost::json::value const& schema) {
        parameter_scan scan;
        scan.visit(schema, true, true, 0);
        return std::move(scan.found_);
    }

private:
    static constexpr std::size_t max_depth = 64;

    void visit(boost::json::value const& node, bool reachable, bool is_schema, std::size_t depth) {
        if (depth > max_depth) return;
        if (auto const* const list = node.if_array())
            for (auto const& one : *list) visit(one, false, is_schema, depth + 1);
        auto const* const members = node.if_object();
        if (members == nullptr) return;
        if (auto const* const name = members->if_contains("x-mcp-header"); is_schema && name)
            add(*name, *members, reachable);
        for (auto const& one : *members) {
            std::string_view const key{one.key().data(), one.key().size()};
            if (key == "const" || key == "enum" || key == "default" || key == "examples") continue;
            bool const names_schemas =
                is_schema && (key == "properties" || key == "$defs" || key == "definitions" ||
                              key == "patternProperties" || key == "dependentSchemas");
            auto const* const named = one.value().if_object();
            if (!names_schemas || named == nullptr) {
                visit(one.value(), false, true, depth + 1);
                continue;
            }
            for (auto const& property : *named) {
                path_.emplace_back(property.key().data(), property.key().size());
                visit(property.value(), reachable && key == "properties", true, depth + 1);
                path_.pop_back();
            }
        }
    }

    void add(boost::json::value const& name, boost::json::object const& schema, bool reachable) {
        auto const refuse = [this](std::string_view why) {
            std::string where;
            for (std::string const& step : path_) (where += where.empty() ? "" : ".") += step;
            throw std::invalid_argument{"x-mcp-header at " + where + ": " + std::string{why}};
        };
        if (!reachable || path_.empty()) refuse("only on properties of properties");
        auto const* const text = name.if_string();
        if (text == nullptr || text->empty() ||
            !std::all_of(text->begin(), text->end(), http::is_token_character))
            refuse("must be a field name");
        auto const* const type = schema.if_contains("type");
        bool const is_number = type != nullptr && *type == "integer";
        if (!is_number && (type == nullptr || (*type != "string" && *type != "boolean")))
            refuse("only on a string, an integer or a boolean");
        for (parameter_field const& one : found_)
            if (http::equals_ignoring_case(one.name, {text->data(), text->size()}))
                refuse("is there twice");
        found_.push_back(parameter_field{{text->data(), text->size()}, path_, is_number});
    }

    std::vector<std::string> path_;
    std::vector<parameter_field> found_;
};

/// Whether a field says what the argument says. An argument that is absent, null, or no text, number or boolean needs
/// none.
[[nodiscard]] inline bool field_agrees(parameter_field const& rule, http::request const& asked,
                                       boost::json::value const& arguments) {
    boost::json::value const* at = &arguments;
    for (std::string const& step : rule.path) {
        auto const* const members = at->if_object();
        at = members != nullptr ? members->if_contains(step) : nullptr;
        if (at == nullptr) return true;
    }
    if (!at->is_string() && !at->is_number() && !at->is_bool()) return true;
    std::string name = "Mcp-Param-";
    name += rule.name;
    auto const field = only_field(asked, name);
    if (!field) return false;
    auto const said = decoded_field(*field);
    if (!said) return false;
    if (at->is_string())
        return *said == std::string_view{at->get_string().data(), at->get_string().size()};
    if (at->is_bool()) return *said == (at->get_bool() ? "true" : "false");
    double number = 0;
    auto const read = std::from_chars(said->data(), said->data() + said->size(), number);
    return read.ec == std::errc{} && read.ptr == said->data() + said->size() &&
           number == at->to_number<double>();
}

} // namespace mcp_provider::mcp::detail
