#include "dialect/tool_schema.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <string_view>

namespace mcp_provider::server {

namespace {

/// Keywords that say what a value is without a `type`, or that it may be anything on purpose.
constexpr std::string_view telling[] = {"$ref", "anyOf", "oneOf", "allOf",
                                        "not",  "if",    "const", "$dynamicRef"};
/// Keywords whose value is an object of schemas, and those whose value is one schema or a list of them.
constexpr std::string_view named_schemas[] = {"properties", "patternProperties", "$defs",
                                              "definitions"};
constexpr std::string_view direct_schemas[] = {"items", "prefixItems", "anyOf",
                                               "oneOf", "allOf",       "additionalProperties"};

boost::json::value* find(boost::json::object& schema, std::string_view name) {
    return schema.if_contains({name.data(), name.size()});
}

/// `otherwise` is for a schema from which no type can be told; empty leaves it without one.
std::string_view missing_type(boost::json::object& schema, std::string_view otherwise) {
    if (find(schema, "type") != nullptr) return {};
    for (std::string_view const word : telling)
        if (find(schema, word) != nullptr) return {};
    if (find(schema, "properties") != nullptr) return "object";
    if (find(schema, "items") != nullptr) return "array";
    if (boost::json::value const* const choices = find(schema, "enum")) {
        boost::json::array const* const list = choices->if_array();
        bool const texts = list != nullptr && std::all_of(list->begin(), list->end(),
                                                          [](boost::json::value const& one) {
                                                              return one.is_string();
                                                          });
        if (!texts) return {};
    }
    return otherwise;
}

void repair(boost::json::value& place, std::string_view otherwise) {
    if (boost::json::array* const list = place.if_array()) {
        for (boost::json::value& one : *list) repair(one, {});
        return;
    }
    boost::json::object* const schema = place.if_object();
    if (schema == nullptr) return;
    for (std::string_view const word : named_schemas)
        if (boost::json::value* const found = find(*schema, word);
            found != nullptr && found->is_object())
            for (boost::json::key_value_pair& member : found->get_object())
                repair(member.value(), word == "properties" ? "string" : "");
    for (std::string_view const word : direct_schemas)
        if (boost::json::value* const found = find(*schema, word)) repair(*found, {});
    if (std::string_view const type = missing_type(*schema, otherwise); !type.empty())
        schema->emplace("type", boost::json::string_view{type.data(), type.size()});
}

} // namespace

std::string repaired_tool_schema(boost::json::object const& parameters) {
    boost::json::value whole(parameters); // braces would make a list of one
    boost::json::object& root = whole.get_object();
    if (find(root, "type") == nullptr && find(root, "$ref") == nullptr)
        root.emplace("type", "object");
    repair(whole, {});
    if (boost::json::value const* const type = find(root, "type");
        type != nullptr && type->is_string() && type->get_string() == "object" &&
        find(root, "properties") == nullptr)
        root.emplace("properties", boost::json::object{});
    return boost::json::serialize(whole);
}

} // namespace mcp_provider::server
