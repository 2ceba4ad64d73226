// Writes a parsed value back as text, light enough for everybody.
#pragma once

#include "mcp_provider/json/write.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <string>

namespace mcp_provider::json {

/// Appends `value` as one line of JSON. Numbers are written as shortly as they read back, so that 5.0 becomes `5`; one
/// beyond every double (`1e999` is read as infinite) becomes `null`, as JSON has no text for it.
/// *Complexity*: linear; recurses as deep as the value, which `parse` has bounded.
inline void append_value(std::string& out, boost::json::value const& value) {
    switch (value.kind()) {
    case boost::json::kind::null: out += "null"; return;
    case boost::json::kind::bool_: append_boolean(out, value.get_bool()); return;
    case boost::json::kind::int64: append_number(out, value.get_int64()); return;
    case boost::json::kind::uint64: append_number(out, value.get_uint64()); return;
    case boost::json::kind::double_: append_number(out, value.get_double()); return;
    case boost::json::kind::string:
        append_quoted(out, {value.get_string().data(), value.get_string().size()});
        return;
    case boost::json::kind::array: {
        out += '[';
        bool first = true;
        for (boost::json::value const& one : value.get_array()) {
            if (!first) out += ',';
            first = false;
            append_value(out, one);
        }
        out += ']';
        return;
    }
    case boost::json::kind::object: {
        out += '{';
        bool first = true;
        for (boost::json::key_value_pair const& one : value.get_object()) {
            if (!first) out += ',';
            first = false;
            append_quoted(out, {one.key().data(), one.key().size()});
            out += ':';
            append_value(out, one.value());
        }
        out += '}';
        return;
    }
    }
}

/// `value` as text; see `append_value`.
[[nodiscard]] inline std::string to_text(boost::json::value const& value) {
    std::string out;
    append_value(out, value);
    return out;
}

} // namespace mcp_provider::json
