#include "ollama/answer.hpp"

#include "mcp_provider/core/request_id.hpp"
#include "mcp_provider/core/timestamp.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/write.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

namespace mcp_provider::server::ollama {

namespace {

constexpr std::size_t most_calls = 128;
constexpr std::size_t most_argument_bytes = 1024 * 1024;

rejection bad_call(std::string text) {
    return rejection{rejection_code::upstream_failed, std::move(text)}.because("invalid_tool_call");
}

/// The form that Ollama gives its own: `call_` and 8 characters.
std::string new_call_id() { return "call_" + std::string{request_id::next().text().substr(4, 8)}; }

void append_nanoseconds(std::string& out, std::string_view name, steady_time from, steady_time to) {
    out += ",\"";
    out += name;
    out += "\":";
    // At least one: clients divide by it.
    json::append_number(out,
                        std::max<std::int64_t>(1, std::chrono::nanoseconds{to - from}.count()));
}

void append_count(std::string& out, std::string_view name, std::uint64_t count) {
    out += ",\"";
    out += name;
    out += "\":";
    json::append_number(out, count);
}

} // namespace

result<> collected_calls::add(agent::delta const& piece) {
    auto at =
        std::lower_bound(calls_.begin(), calls_.end(), piece.index,
                         [](call const& one, std::uint32_t index) { return one.index < index; });
    if (at == calls_.end() || at->index != piece.index) {
        if (calls_.size() == most_calls) return bad_call("the agent calls too many tools at once");
        at = calls_.insert(at, call{piece.index, {}, {}, {}});
    }
    bytes_ += piece.text.size();
    if (bytes_ > most_argument_bytes)
        return bad_call("the agent calls tools with too long arguments");
    if (!piece.id.empty()) at->id = piece.id;
    if (!piece.name.empty()) at->name = piece.name;
    at->arguments += piece.text;
    return {};
}

result<> collected_calls::append_to(std::string& out) const {
    out += '[';
    for (std::size_t i = 0; i != calls_.size(); ++i) {
        call const& one = calls_[i];
        if (one.name.empty()) return bad_call("the agent calls a tool without a name");
        out += i == 0 ? R"({"id":)" : R"(,{"id":)";
        json::append_quoted(out, one.id.empty() ? new_call_id() : one.id);
        out += R"(,"function":{"index":)";
        json::append_number(out, i);
        out += R"(,"name":)";
        json::append_quoted(out, one.name);
        out += R"(,"arguments":)";
        if (one.arguments.find_first_not_of(" \t\r\n") == std::string::npos) {
            out += "{}";
        } else {
            auto const arguments = json::parse(one.arguments);
            if (!arguments || !arguments->is_object())
                return bad_call("the agent calls tool '" + one.name +
                                "' with arguments that are no JSON object");
            out += boost::json::serialize(*arguments); // one line, whatever the agent's was
        }
        out += "}}";
    }
    out += ']';
    return {};
}

void stopwatch::append_to(std::string& out, agent::usage used) const {
    steady_time const now = real_clock{}.steady();
    steady_time const opened = opened_ == steady_time{} ? now : opened_;
    steady_time const spoke = spoke_ == steady_time{} ? now : spoke_;
    append_nanoseconds(out, "total_duration", began_, now);
    append_nanoseconds(out, "load_duration", began_, opened);
    append_count(out, "prompt_eval_count", used.prompt_tokens);
    append_nanoseconds(out, "prompt_eval_duration", opened, spoke);
    append_count(out, "eval_count", used.completion_tokens);
    append_nanoseconds(out, "eval_duration", spoke, now);
}

void stopwatch::append_embedding_to(std::string& out, std::uint64_t prompt_tokens) const {
    steady_time const now = real_clock{}.steady();
    append_nanoseconds(out, "total_duration", began_, now);
    append_nanoseconds(out, "load_duration", began_, began_); // nothing is loaded
    append_count(out, "prompt_eval_count", prompt_tokens);
}

answer_writer::answer_writer(answer_form form, std::string_view model)
    : form_{form}, head_{R"({"model":)"} {
    json::append_quoted(head_, model);
    head_ += R"(,"created_at":")";
}

void answer_writer::append_head(std::string& out) const {
    out += head_;
    append_timestamp(out, real_clock{}.system());
    out += form_ == answer_form::chat ? R"(","message":{"role":"assistant","content":")"
                                      : R"(","response":")";
}

void answer_writer::append_text(std::string& out, std::string_view text) const {
    append_head(out);
    json::append_escaped(out, text);
    out += form_ == answer_form::chat ? "\"},\"done\":false}\n" : "\",\"done\":false}\n";
}

void answer_writer::append_thinking(std::string& out, std::string_view text) const {
    append_head(out);
    out += R"(","thinking":)";
    json::append_quoted(out, text);
    out += form_ == answer_form::chat ? "},\"done\":false}\n" : ",\"done\":false}\n";
}

result<> answer_writer::append_calls(std::string& out, collected_calls const& calls) const {
    std::size_t const size = out.size();
    append_head(out);
    out += R"(","tool_calls":)";
    if (result<> written = calls.append_to(out); !written) {
        out.resize(size);
        return written;
    }
    out += form_ == answer_form::chat ? "},\"done\":false}\n" : ",\"done\":false}\n";
    return {};
}

void answer_writer::append_end_members(std::string& out, std::string_view done_reason) const {
    out += R"(,"done":true,"done_reason":")";
    out += done_reason;
    out += '"';
    if (form_ == answer_form::generate) out += R"(,"context":[])";
}

void answer_writer::append_end(std::string& out, std::string_view done_reason, agent::usage used,
                               stopwatch const& times) const {
    append_head(out);
    out += form_ == answer_form::chat ? "\"}" : "\"";
    append_end_members(out, done_reason);
    times.append_to(out, used);
    out += "}\n";
}

result<std::string> answer_writer::whole(std::string_view text, std::string_view thinking,
                                         collected_calls const& calls, std::string_view done_reason,
                                         agent::usage used, stopwatch const& times) const {
    std::string out;
    append_head(out);
    json::append_escaped(out, text);
    out += '"';
    if (!thinking.empty()) {
        out += R"(,"thinking":)";
        json::append_quoted(out, thinking);
    }
    if (!calls.empty()) {
        out += R"(,"tool_calls":)";
        if (result<> written = calls.append_to(out); !written) return std::move(written).error();
    }
    if (form_ == answer_form::chat) out += '}';
    append_end_members(out, done_reason);
    times.append_to(out, used);
    out += '}';
    return out;
}

std::string answer_writer::without_answer(std::string_view done_reason) const {
    std::string out;
    append_head(out);
    out += form_ == answer_form::chat ? "\"}" : "\"";
    out += R"(,"done":true,"done_reason":")";
    out += done_reason;
    out += "\"}";
    return out;
}

std::string_view done_reason_of(agent::finish_reason why) noexcept {
    return why == agent::finish_reason::length ? "length" : "stop";
}

} // namespace mcp_provider::server::ollama
