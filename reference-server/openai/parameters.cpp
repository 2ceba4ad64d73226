#include "openai/parameters.hpp"

#include <cstddef>
#include <limits>

namespace mcp_provider::server::openai {

namespace {

// The specification allows 4, local servers any number; a bound keeps the search in each delta cheap.
constexpr std::size_t most_stops = 256;

std::optional<double> read_number(json::reader at, double least, double most) {
    if (!at.present()) return std::nullopt;
    return at.number(least, most);
}

} // namespace

agent::sampling read_sampling(json::reader in) {
    agent::sampling chosen;
    chosen.temperature = read_number(in["temperature"], 0.0, 2.0);
    chosen.top_p = read_number(in["top_p"], 0.0, 1.0);
    chosen.frequency_penalty = read_number(in["frequency_penalty"], -2.0, 2.0);
    chosen.presence_penalty = read_number(in["presence_penalty"], -2.0, 2.0);
    if (in["seed"].present()) chosen.seed = in["seed"].integer();
    return chosen;
}

std::vector<std::string> read_stop(json::reader in) {
    std::vector<std::string> stops;
    json::reader const stop = in["stop"];
    if (!stop.present()) return stops;
    if (stop.is_text()) {
        stops.emplace_back(read_name(stop));
        return stops;
    }
    if (!stop.is_array()) {
        stop.complain("must be a string, an array of strings or null");
        return stops;
    }
    for (json::reader const one : stop.elements(0, most_stops)) stops.emplace_back(read_name(one));
    return stops;
}

std::optional<std::int64_t> read_token_limit(json::reader limit, generation_rules const& allowed) {
    if (!limit.present()) return std::nullopt;
    return limit.integer(1, allowed.max_tokens);
}

delivery_wish read_delivery(json::reader in, generation_rules const& allowed) {
    delivery_wish wish;
    wish.streamed = in["stream"].boolean_or(false);
    if (wish.streamed && !allowed.streaming)
        in["stream"].complain("must be false: streaming is switched off on this server");
    json::reader const options = in["stream_options"];
    if (options.present() && require_object(options))
        wish.include_usage = options["include_usage"].boolean_or(false);
    return wish;
}

void refuse_several(json::reader count) {
    std::int64_t const wanted = count.integer_or(1, 1, std::numeric_limits<std::int64_t>::max());
    if (wanted > 1)
        count.complain("must be 1: this server gives one answer a request; it is " +
                       std::to_string(wanted));
}

void refuse_present(json::reader member, std::string_view why) {
    if (member.present()) member.complain("is not supported here" + std::string{why});
}

void refuse_members(json::reader member, std::string_view why) {
    if (!member.present()) return;
    if (member.members().size() != 0) refuse_present(member, why);
}

bool require_object(json::reader at) {
    static_cast<void>(at.members());
    return at.is_object();
}

std::string_view read_name(json::reader at) {
    std::string_view const name = at.text();
    if (at.is_text() && name.empty()) at.complain("must not be empty");
    return name;
}

std::string it_is(json::reader at) {
    constexpr std::size_t longest = 64;
    if (!at.is_text() || at.text().size() > longest) return {};
    return "; it is \"" + std::string{at.text()} + '"';
}

} // namespace mcp_provider::server::openai
