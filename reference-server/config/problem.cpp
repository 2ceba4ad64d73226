#include "config/problem.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <ostream>
#include <string_view>

namespace mcp_provider::server {

namespace {

constexpr std::string_view red = "\x1b[1;31m";
constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view plain = "\x1b[0m";

/// Texts come from files: what would steer a terminal is shown as `\x1b`.
std::string printable(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string shown;
    for (char const c : text) {
        auto const byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte != 0x7F) {
            shown += c;
        } else {
            shown += "\\x";
            shown += digits[byte >> 4U];
            shown += digits[byte & 15U];
        }
    }
    return shown;
}

std::string place_of(problem const& one) {
    std::string place = printable(one.file);
    if (one.line > 0) place += ":" + std::to_string(one.line);
    if (!one.key.empty()) place += (place.empty() ? "" : ": ") + printable(one.key);
    return place;
}

} // namespace

void print(std::ostream& out, std::vector<problem> const& problems, bool colour) {
    auto const in_colour = [colour](std::string_view wish) {
        return colour ? wish : std::string_view{};
    };
    for (problem const& one : problems) {
        out << in_colour(red) << "problem" << in_colour(plain) << ": " << in_colour(bold)
            << place_of(one) << in_colour(plain) << '\n';
        if (!one.value.empty()) out << "  value:   " << printable(one.value) << '\n';
        out << "  wrong:   " << printable(one.message) << '\n';
        if (!one.allowed.empty()) out << "  allowed: " << printable(one.allowed) << '\n';
        if (!one.nearest.empty())
            out << "  nearest: did you mean " << printable(one.nearest) << "?\n";
        out << '\n';
    }
    out << problems.size() << (problems.size() == 1 ? " problem" : " problems")
        << " in the configuration\n";
}

std::string to_json(std::vector<problem> const& problems) {
    boost::json::array list;
    for (problem const& one : problems)
        list.push_back(boost::json::object{{"file", one.file},
                                           {"line", one.line},
                                           {"key", one.key},
                                           {"value", one.value},
                                           {"message", one.message},
                                           {"allowed", one.allowed},
                                           {"nearest", one.nearest}});
    return boost::json::serialize(boost::json::object{{"problems", std::move(list)}});
}

} // namespace mcp_provider::server
