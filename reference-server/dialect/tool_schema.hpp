// Repairs the JSON Schema of a tool's parameters, so that strict upstreams take what editors send.
#pragma once

#include <boost/json/object.hpp>

#include <string>

namespace mcp_provider::server {

/// Returns `parameters` as text, with the types that were left out: Void sends properties that have only a description,
/// and strict upstreams refuse those. What has properties becomes an object, what has items an array, and a property
/// that says nothing of its kind a string. The whole is an object and has `properties`.
/// *Complexity*: linear. *Errors*: none; what is no schema at all is passed on as it is.
[[nodiscard]] std::string repaired_tool_schema(boost::json::object const& parameters);

} // namespace mcp_provider::server
