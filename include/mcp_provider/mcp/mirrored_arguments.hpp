// Arguments of a tool that travel in header fields as well: `x-mcp-header` in the tool's input schema.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/json/write.hpp"
#include "mcp_provider/mcp/header_value.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::mcp {

/// An argument that is repeated in a header field.
class mirrored_argument {
public:
    mirrored_argument(std::string its_field, std::vector<std::string> its_path)
        : field{std::move(its_field)}, path{std::move(its_path)} {}

    std::string field;             ///< `Mcp-Param-Region`
    std::vector<std::string> path; ///< names of properties, from the root of the arguments
};

namespace detail {

[[nodiscard]] inline std::string_view view_of(boost::json::string const& text) noexcept {
    return {text.data(), text.size()};
}

/// Looks through a schema, on and off the ways on which an annotation may stand.
class annotation_scan {
public:
    [[nodiscard]] result<std::vector<mirrored_argument>>
    operator()(boost::json::value const& schema) {
        look_at(schema, true);
        if (!wrong_.empty()) return rejection{rejection_code::upstream_failed, std::move(wrong_)};
        return std::move(found_);
    }

private:
    void look_at(boost::json::value const& schema, bool is_reachable) {
        if (!wrong_.empty()) return;
        if (boost::json::array const* const list = schema.if_array()) {
            for (boost::json::value const& one : *list) look_at(one, false);
            return;
        }
        boost::json::object const* const members = schema.if_object();
        if (members == nullptr) return;
        for (auto const& [key, value] : *members) {
            std::string_view const keyword{key.data(), key.size()};
            if (keyword == "x-mcp-header")
                take(*members, value, is_reachable);
            else if (keyword == "properties")
                look_at_named(value, is_reachable);
            else if (holds_named_schemas(keyword))
                look_at_named(value, false);
            else if (!holds_data(keyword))
                look_at(value, false);
        }
    }

    /// The members are schemas, whatever their names.
    void look_at_named(boost::json::value const& schemas, bool is_reachable) {
        boost::json::object const* const members = schemas.if_object();
        if (members == nullptr) return;
        for (auto const& [name, schema] : *members) {
            path_.emplace_back(name.data(), name.size());
            look_at(schema, is_reachable);
            path_.pop_back();
        }
    }

    static bool holds_named_schemas(std::string_view keyword) noexcept {
        for (std::string_view const one :
             {"$defs", "definitions", "patternProperties", "dependentSchemas"})
            if (keyword == one) return true;
        return false;
    }
    static bool holds_data(std::string_view keyword) noexcept {
        for (std::string_view const one : {"default", "const", "enum", "examples"})
            if (keyword == one) return true;
        return false;
    }

    void take(boost::json::object const& schema, boost::json::value const& name,
              bool is_reachable) {
        boost::json::string const* const text = name.if_string();
        if (text == nullptr) return refuse("must be a string");
        std::string_view const token = view_of(*text);
        if (token.empty()) return refuse("must not be empty");
        if (!std::all_of(token.begin(), token.end(), http::is_token_character))
            return refuse("holds a character that a field name cannot have");
        if (!is_reachable || path_.empty())
            return refuse("stands where no argument is; only chains of properties lead to one");
        if (!is_primitive(schema.if_contains("type")))
            return refuse("stands at an argument that is no string, integer or boolean");
        std::string field = "Mcp-Param-" + std::string{token};
        for (mirrored_argument const& other : found_)
            if (http::equals_ignoring_case(other.field, field))
                return refuse("names a field that another argument has");
        found_.emplace_back(std::move(field), path_);
    }

    /// `["string", "null"]` counts too: of null there is no header field.
    static bool is_primitive(boost::json::value const* type) {
        auto const is_one = [](boost::json::value const& of) {
            return of.is_string() && (of.get_string() == "string" || of.get_string() == "integer" ||
                                      of.get_string() == "boolean");
        };
        if (type == nullptr) return false;
        if (!type->is_array()) return is_one(*type);
        boost::json::array const& list = type->get_array();
        return std::any_of(list.begin(), list.end(), is_one) &&
               std::all_of(list.begin(), list.end(), [&](boost::json::value const& one) {
                   return is_one(one) || (one.is_string() && one.get_string() == "null");
               });
    }

    void refuse(std::string_view why) { wrong_ = "x-mcp-header " + std::string{why}; }

    std::vector<mirrored_argument> found_;
    std::vector<std::string> path_;
    std::string wrong_;
};

} // namespace detail

/// The arguments that a tool's input schema wants to see in header fields.
/// *Errors*: `upstream_failed` where an annotation is not as the specification wants it; such a tool must not be called
/// over HTTP. *Complexity*: linear. *See* 2026-07-28, Streamable HTTP, Schema Extension.
[[nodiscard]] inline result<std::vector<mirrored_argument>>
mirrored_arguments(boost::json::value const& input_schema) {
    return detail::annotation_scan{}(input_schema);
}

/// Appends a line `Mcp-Param-…: value` for each of them that a call has and that is not null.
/// *Errors*: `bad_request` for a value that is no string, boolean or whole number that JavaScript can hold.
[[nodiscard]] inline result<> append_mirrored(std::string& fields,
                                              std::vector<mirrored_argument> const& wanted,
                                              boost::json::object const& arguments) {
    constexpr std::int64_t largest = (std::int64_t{1} << 53) - 1;
    for (mirrored_argument const& one : wanted) {
        boost::json::object const* in = &arguments;
        boost::json::value const* value = nullptr;
        for (std::string const& name : one.path) {
            value = in != nullptr ? in->if_contains(name) : nullptr;
            in = value != nullptr ? value->if_object() : nullptr;
        }
        if (value == nullptr || value->is_null()) continue;
        fields.append(one.field).append(": ");
        boost::json::error_code inexact;
        if (value->is_string()) {
            fields += encode_header_value(detail::view_of(value->get_string()));
        } else if (value->is_bool()) {
            json::append_boolean(fields, value->get_bool());
        } else if (auto const whole =
                       value->is_number() ? value->to_number<std::int64_t>(inexact) : largest + 1;
                   !inexact && whole >= -largest && whole <= largest) {
            json::append_number(fields, whole);
        } else {
            return rejection{
                rejection_code::bad_request,
                "the argument " + one.path.back() +
                    " must be a string, a boolean or a whole number of at most 2^53 - 1, "
                    "since it travels in a header field"};
        }
        fields += "\r\n";
    }
    return {};
}

} // namespace mcp_provider::mcp
