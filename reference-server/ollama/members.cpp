#include "ollama/members.hpp"

#include "mcp_provider/crypto/base64.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace mcp_provider::server::ollama {

namespace {

struct duration_unit {
    std::string_view name;
    double seconds;
};

/// A unit stands before another one that it begins with.
constexpr std::array<duration_unit, 8> duration_units{{
    {"ns", 1e-9},
    {"us", 1e-6},
    {"\xC2\xB5s", 1e-6}, // U+00B5, the micro sign
    {"\xCE\xBCs", 1e-6}, // U+03BC, the Greek letter
    {"ms", 1e-3},
    {"s", 1.0},
    {"m", 60.0},
    {"h", 3600.0},
}};

/// The longest duration that Go can hold: 2^63 nanoseconds.
constexpr double longest_duration = 9'223'372'036.854775807;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::string media_type_of(std::string_view bytes) {
    if (bytes.starts_with("\x89PNG\r\n\x1A\n")) return "image/png";
    if (bytes.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
    if (bytes.starts_with("GIF8")) return "image/gif";
    if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return "image/webp";
    return {};
}

/// What an agent settles for itself; only the type is checked.
constexpr std::array<std::string_view, 8> whole_number_options{
    "repeat_last_n", "num_keep", "num_ctx",    "num_batch",
    "num_gpu",       "main_gpu", "num_thread", "draft_num_predict"};

std::optional<double> number_if_present(json::reader place, double least, double most) {
    if (!place.present()) return std::nullopt;
    return place.number(least, most);
}

void read_length_limit(json::reader place, generation_rules const& rules,
                       agent::conversation& ask) {
    if (!place.present()) return;
    std::int64_t const limit = place.integer();
    if (limit == -1 || limit == -2)
        return; // without end, and until the context is full: the agent's own limit holds
    if (limit < 1 || limit > rules.max_tokens)
        place.complain("must be -1 or -2 (no limit), or a whole number from 1 to " +
                       std::to_string(rules.max_tokens) + "; it is " + std::to_string(limit));
    ask.max_tokens = limit;
}

} // namespace

std::optional<double> read_go_duration(std::string_view text) noexcept {
    double const sign = text.starts_with('-') ? -1.0 : 1.0;
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (text == "0") return 0.0;
    if (text.empty()) return std::nullopt;
    double seconds = 0.0;
    while (!text.empty()) {
        double number = 0.0;
        double weight = 1.0;
        bool has_digit = false;
        bool has_point = false;
        for (; !text.empty() && (is_digit(text.front()) || (text.front() == '.' && !has_point));
             text.remove_prefix(1)) {
            if (text.front() == '.') {
                has_point = true;
                continue;
            }
            has_digit = true;
            if (has_point)
                number += (weight /= 10.0) * (text.front() - '0');
            else
                number = number * 10.0 + (text.front() - '0');
        }
        auto const unit =
            std::find_if(duration_units.begin(), duration_units.end(),
                         [&](duration_unit const& one) { return text.starts_with(one.name); });
        if (!has_digit || unit == duration_units.end()) return std::nullopt;
        text.remove_prefix(unit->name.size());
        seconds += number * unit->seconds;
    }
    if (seconds > longest_duration) return std::nullopt;
    return sign * seconds;
}

bool reads_unload(json::reader keep_alive) {
    if (!keep_alive.present()) return false;
    if (keep_alive.is_number()) return keep_alive.number() == 0.0;
    if (keep_alive.is_text())
        if (auto const seconds = read_go_duration(keep_alive.text())) return *seconds == 0.0;
    keep_alive.complain("must be a number of seconds or a duration such as \"5m\" or \"1h30m\"; "
                        "negative is for ever");
    return false;
}

bool reads_streamed(json::reader stream, generation_rules const& rules) {
    bool const streamed = stream.boolean_or(rules.streaming);
    if (streamed && !rules.streaming)
        stream.complain("must be false: streaming is switched off on this server");
    return streamed;
}

void read_options(json::reader options, generation_rules const& rules, agent::conversation& ask) {
    if (!options.present()) return;
    agent::sampling& how = ask.sampling;
    how.temperature = number_if_present(options["temperature"], 0.0, 2.0);
    how.top_p = number_if_present(options["top_p"], 0.0, 1.0);
    how.min_p = number_if_present(options["min_p"], 0.0, 1.0);
    how.frequency_penalty = number_if_present(options["frequency_penalty"], -2.0, 2.0);
    how.presence_penalty = number_if_present(options["presence_penalty"], -2.0, 2.0);
    if (json::reader const penalty = options["repeat_penalty"]; penalty.present()) {
        how.repeat_penalty = penalty.number();
        if (*how.repeat_penalty <= 0.0) penalty.complain("must be greater than 0");
    }
    if (json::reader const top_k = options["top_k"]; top_k.present()) how.top_k = top_k.integer(0);
    if (json::reader const seed = options["seed"]; seed.present())
        if (std::int64_t const number = seed.integer(); number != -1)
            how.seed = number; // -1 is another one each time
    read_length_limit(options["num_predict"], rules, ask);
    for (json::reader const stop : options["stop"].elements_or_none())
        if (std::string_view const text = stop.text(); !text.empty()) ask.stop.emplace_back(text);

    for (std::string_view const name : whole_number_options)
        static_cast<void>(options[name].integer_or(0));
    static_cast<void>(options["typical_p"].number_or(1.0));
    static_cast<void>(options["use_mmap"].boolean_or(true));
}

thinking read_thinking(json::reader think, agent::conversation& ask) {
    if (!think.present()) return thinking::unset;
    if (think.is_boolean()) {
        ask.reasoning_effort = think.boolean() ? "medium" : "none";
        return think.boolean() ? thinking::on : thinking::off;
    }
    if (think.is_text())
        for (std::string_view const level : {"low", "medium", "high", "max"})
            if (think.text() == level) {
                ask.reasoning_effort = level;
                return thinking::on;
            }
    think.complain("must be true, false, \"low\", \"medium\", \"high\" or \"max\"");
    return thinking::unset;
}

void read_format(json::reader format, agent::conversation& ask) {
    if (!format.present() || (format.is_text() && format.text().empty())) return;
    if (format.is_object())
        ask.format = agent::answer_format{agent::answer_format::kind::schema,
                                          boost::json::serialize(*format.value())};
    else if (format.is_text() && format.text() == "json")
        ask.format = agent::answer_format{agent::answer_format::kind::json};
    else
        format.complain("must be \"json\" or a JSON Schema object");
}

void refuse_logprobs(json::reader root) {
    static_cast<void>(root["top_logprobs"].integer_or(0, 0, 20));
    if (json::reader const logprobs = root["logprobs"]; logprobs.boolean_or(false))
        logprobs.complain("must be false: agents behind this server give no log probabilities");
}

std::vector<agent::image> read_images(json::reader images) {
    std::vector<agent::image> out;
    for (json::reader const one : images.elements_or_none()) {
        std::string base64{one.text()};
        if (base64.starts_with("data:")) {
            one.complain("must be base64 alone, without a data: prefix");
            break;
        }
        std::erase_if(base64,
                      [](char c) { return c == '\r' || c == '\n'; }); // as Go's decoder does
        auto const bytes = crypto::base64_decode(base64);
        if (!bytes || bytes->empty()) {
            one.complain("must be an image in base64 with padding");
            break;
        }
        out.emplace_back(media_type_of(*bytes), std::move(base64));
    }
    return out;
}

} // namespace mcp_provider::server::ollama
