// Defaults of a form that a server asks to be filled in.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace mcp_provider::mcp {

/// Puts the default of each field into `content` that has none. *See* SEP-1034.
inline void apply_defaults(boost::json::value const& requested_schema,
                           boost::json::object& content) {
    boost::json::object const* const schema = requested_schema.if_object();
    boost::json::value const* const fields =
        schema != nullptr ? schema->if_contains("properties") : nullptr;
    if (fields == nullptr || !fields->is_object()) return;
    for (auto const& [name, field] : fields->get_object()) {
        boost::json::object const* const rules = field.if_object();
        boost::json::value const* const otherwise =
            rules != nullptr ? rules->if_contains("default") : nullptr;
        if (otherwise != nullptr && !content.contains(name)) content.emplace(name, *otherwise);
    }
}

} // namespace mcp_provider::mcp
