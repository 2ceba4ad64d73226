#include "dialect/ignored.hpp"

namespace mcp_provider::server {

namespace {

void add(std::string& list, std::string_view name, bool is_set) {
    if (!is_set) return;
    if (!list.empty()) list += ", ";
    list += name;
}

} // namespace

std::string ignored_parameters(agent::conversation const& asked, agent::model const& chosen,
                               std::string_view length_name) {
    std::string list;
    if (chosen.lacks(agent::limitation::max_tokens))
        add(list, length_name, asked.max_tokens.has_value());
    if (!chosen.lacks(agent::limitation::sampling)) return list;
    agent::sampling const& how = asked.sampling;
    add(list, "temperature", how.temperature.has_value());
    add(list, "top_p", how.top_p.has_value());
    add(list, "top_k", how.top_k.has_value());
    add(list, "min_p", how.min_p.has_value());
    add(list, "frequency_penalty", how.frequency_penalty.has_value());
    add(list, "presence_penalty", how.presence_penalty.has_value());
    add(list, "repeat_penalty", how.repeat_penalty.has_value());
    add(list, "seed", how.seed.has_value());
    return list;
}

void note_ignored(http::response& answer, std::string_view ignored) {
    if (!ignored.empty()) answer.fields().set("X-Ignored-Parameters", ignored);
}

} // namespace mcp_provider::server
