// Makes a small document that fits a JSON Schema: what `echo` answers to a wish for JSON.
#pragma once

#include "mcp_provider/core/result.hpp"

#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace mcp_provider::server::agents {

/// Makes an instance of `schema`, always the same for the same schema. Strings are named after their property.
/// Understood are type, const, enum, properties, required, items, prefixItems, allOf, the first of anyOf and oneOf that
/// can be met, $ref within the document, and the bounds of numbers, strings (with the common formats), arrays and objects.
/// Optional members are left out where `required` says which are not. What is not understood (`pattern`, `not`) is not met.
/// *Errors*: `bad_request` where the schema is no JSON, or contradicts itself, or needs endless recursion.
/// *Complexity*: bounded: at most 20,000 steps, 64 levels and 1 MiB of text.
[[nodiscard]] result<boost::json::value> schema_instance(std::string_view schema);

/// Writes a document with a space after each colon and comma, so that it streams in several words.
[[nodiscard]] std::string spaced_text(boost::json::value const& document);

} // namespace mcp_provider::server::agents
