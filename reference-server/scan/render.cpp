#include "scan/render.hpp"

#include "mcp_provider/version.hpp"
#include "scan/rules.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace mcp_provider::server::scan {

namespace {

namespace bj = boost::json;

std::string_view colour_of(severity how_grave) {
    switch (how_grave) {
    case severity::high: return "\033[31m";
    case severity::medium: return "\033[33m";
    case severity::low: return "\033[36m";
    }
    return "";
}

std::string_view level_of(severity how_grave) {
    switch (how_grave) {
    case severity::high: return "error";
    case severity::medium: return "warning";
    case severity::low: return "note";
    }
    return "none";
}

/// A path as a URI reference: what a URI does not have is escaped.
std::string as_uri(std::string_view path) {
    constexpr std::string_view plain = "-._~/:@!$&'()*+,;=";
    constexpr std::string_view hex = "0123456789ABCDEF";
    std::string out = path.starts_with('/') ? "file://" : "";
    for (char const c : path) {
        auto const byte = static_cast<unsigned char>(c);
        bool const is_alnum =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (is_alnum || plain.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += '%';
            out += hex[byte >> 4U];
            out += hex[byte & 15U];
        }
    }
    return out;
}

} // namespace

std::string as_text(report const& found, bool colour) {
    std::string out;
    for (severity const how_grave : {severity::high, severity::medium, severity::low})
        for (finding const& one : found.findings()) {
            if (one.rule->severity != how_grave) continue;
            std::string name{name_of(how_grave)};
            name.resize(6, ' ');
            if (colour) out += colour_of(how_grave);
            out += name;
            if (colour) out += "\033[0m";
            out += ' ' + std::string{one.rule->id} + "  " + one.where + ": " + one.what + "\n";
            out += "       mend: " + std::string{one.rule->mend} + "\n";
        }
    for (std::string const& what : found.skipped()) out += "not looked at: " + what + "\n";
    out += std::to_string(found.findings().size()) +
           " findings: " + std::to_string(found.count(severity::high)) + " high, " +
           std::to_string(found.count(severity::medium)) + " medium, " +
           std::to_string(found.count(severity::low)) + " low\n";
    return out;
}

std::string as_json(report const& found, moment when) {
    bj::array findings;
    for (finding const& one : found.findings())
        findings.push_back(bj::object{{"rule", one.rule->id},
                                      {"severity", name_of(one.rule->severity)},
                                      {"where", one.where},
                                      {"what", one.what},
                                      {"title", one.rule->title},
                                      {"mend", one.rule->mend}});
    bj::array skipped;
    for (std::string const& what : found.skipped()) skipped.emplace_back(what);
    return bj::serialize(bj::object{{"timestamp", to_text(when)},
                                    {"version", version},
                                    {"high", found.count(severity::high)},
                                    {"medium", found.count(severity::medium)},
                                    {"low", found.count(severity::low)},
                                    {"findings", std::move(findings)},
                                    {"not_looked_at", std::move(skipped)}}) +
           "\n";
}

std::string as_sarif(report const& found) {
    bj::array all;
    for (rule const* const one : all_rules)
        all.push_back(
            bj::object{{"id", one->id},
                       {"shortDescription", bj::object{{"text", one->title}}},
                       {"help", bj::object{{"text", one->mend}}},
                       {"defaultConfiguration", bj::object{{"level", level_of(one->severity)}}}});
    bj::array results;
    for (finding const& one : found.findings()) {
        auto const index =
            std::find(all_rules.begin(), all_rules.end(), one.rule) - all_rules.begin();
        results.push_back(bj::object{
            {"ruleId", one.rule->id},
            {"ruleIndex", index},
            {"level", level_of(one.rule->severity)},
            {"message", bj::object{{"text", one.where + ": " + one.what +
                                                ". Mend: " + std::string{one.rule->mend}}}},
            {"locations",
             bj::array{bj::object{
                 {"physicalLocation",
                  bj::object{{"artifactLocation", bj::object{{"uri", as_uri(one.where)}}}}}}}}});
    }
    bj::object run{{"tool", bj::object{{"driver", bj::object{{"name", "mcp-local-provider"},
                                                             {"version", version},
                                                             {"rules", std::move(all)}}}}},
                   {"results", std::move(results)}};
    return bj::serialize(bj::object{{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                                    {"version", "2.1.0"},
                                    {"runs", bj::array{std::move(run)}}}) +
           "\n";
}

} // namespace mcp_provider::server::scan
