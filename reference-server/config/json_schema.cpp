#include "config/reference.hpp"
#include "config/words.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <charconv>
#include <cstddef>

namespace mcp_provider::server {

namespace {

using boost::json::array;
using boost::json::object;

object list_of_texts() {
    return {{"type", "array"}, {"items", object{{"type", "string"}}}, {"uniqueItems", true}};
}

object list_of_rules(setting const& row) {
    object const action{{"enum", array{"flag", "reject", "redact"}}};
    object const rule{
        {"type", "object"},
        {"additionalProperties", false},
        {"required", array{"pattern"}},
        {"properties",
         object{{"pattern", object{{"type", "string"}, {"minLength", 1}}}, {"action", action}}}};
    return {{"type", "array"}, {"maxItems", row.most}, {"items", rule}};
}

/// What is allowed; lists of `.env` are texts with commas.
object type_of(setting const& row) {
    switch (row.kind) {
    case value_kind::boolean: return {{"type", "boolean"}};
    case value_kind::integer:
        return {{"type", "integer"}, {"minimum", row.least}, {"maximum", row.most}};
    case value_kind::choice: {
        array words;
        for (std::string_view const word : row.choices) words.push_back(boost::json::string{word});
        return {{"enum", std::move(words)}};
    }
    case value_kind::list:
        if (row.where == home::security) return list_of_texts();
        break;
    case value_kind::rules: return list_of_rules(row);
    case value_kind::text:
    case value_kind::secret_text:
    case value_kind::path: break;
    }
    return {{"type", "string"}};
}

void add_default(setting const& row, object& to) {
    if (!row.default_note.empty()) return; // computed
    std::string const value = row.show(config{});
    if (row.kind == value_kind::boolean)
        to["default"] = value == "true";
    else if (row.kind == value_kind::integer) {
        std::int64_t number = 0;
        std::from_chars(value.data(), value.data() + value.size(), number);
        to["default"] = number;
    } else if (row.kind == value_kind::list && row.where == home::security) {
        array items;
        for (std::string const& item : split(value, ',')) items.emplace_back(item);
        to["default"] = std::move(items);
    } else if (!value.empty()) {
        to["default"] = value;
    }
}

object describe(setting const& row) {
    object made = type_of(row);
    made["description"] =
        std::string{row.doc} +
        (row.allowed.empty() ? "" : " Allowed: " + std::string{row.allowed} + ".");
    add_default(row, made);
    if (row.is_secret) made["writeOnly"] = true;
    return made;
}

/// The object at a dotted path, made where it is missing.
object& properties_at(object& root, std::string_view path) {
    object* at = &root;
    for (std::string const& name : split(path, '.')) {
        object& below =
            (*at)[name].is_object() ? (*at)[name].get_object() : (*at)[name].emplace_object();
        if (below.empty()) {
            below["type"] = array{"object", "null"};
            below["additionalProperties"] = false;
            below["properties"] = object{};
        }
        at = &below["properties"].get_object();
    }
    return *at;
}

/// As `serialize`, with two spaces a level.
void print_indented(std::string& out, boost::json::value const& value, std::size_t level) {
    std::string const indent(2 * (level + 1), ' ');
    std::string const end = "\n" + std::string(2 * level, ' ');
    if (value.is_object() && !value.get_object().empty()) {
        std::string_view separator = "{\n";
        for (auto const& [name, member] : value.get_object()) {
            out += separator;
            out += indent + boost::json::serialize(boost::json::string{name}) + ": ";
            print_indented(out, member, level + 1);
            separator = ",\n";
        }
        out += end + "}";
    } else if (value.is_array() && !value.get_array().empty()) {
        std::string_view separator = "[";
        for (boost::json::value const& item : value.get_array()) {
            out += separator;
            print_indented(out, item, level + 1);
            separator = ", ";
        }
        out += "]";
    } else {
        out += boost::json::serialize(value);
    }
}

} // namespace

std::string json_schema(home file) {
    object properties;
    for (setting const& row : settings_of(file)) {
        std::size_t const dot = file == home::env ? std::string_view::npos : row.key.rfind('.');
        if (dot == std::string_view::npos)
            properties[row.key] = describe(row);
        else
            properties_at(properties, row.key.substr(0, dot))[row.key.substr(dot + 1)] =
                describe(row);
    }
    object const schema{
        {"$schema", "https://json-schema.org/draft/2020-12/schema"},
        {"title", file == home::env ? "mcp-local-provider: .env and the environment"
                                    : "mcp-local-provider: config/security.yaml"},
        {"description", "Generated by `mcp-local-provider generate-reference`; a test compares."},
        {"type", "object"},
        {"additionalProperties", false},
        {"properties", std::move(properties)}};
    std::string out;
    print_indented(out, schema, 0);
    return out + "\n";
}

} // namespace mcp_provider::server
