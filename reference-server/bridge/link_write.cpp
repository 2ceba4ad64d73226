#include "bridge/link_wire.hpp"
#include "mcp_provider/json/write.hpp"
#include "mcp_provider/version.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::bridge {

namespace {

using json::append_boolean;
using json::append_number;
using json::append_quoted;

void begin(std::string& out, std::string_view word, std::uint64_t id) {
    out.append(R"({")").append(word).append(R"(":)");
    append_number(out, id);
}
void end(std::string& out) { out += "}\n"; }

/// Writes members, with the commas between them; what is empty or absent is left out.
class members {
public:
    explicit members(std::string& out) : out_{out} { out_ += '{'; }
    void end() { out_ += '}'; }

    std::string& name(std::string_view its) {
        out_ += first_ ? R"(")" : R"(,")";
        first_ = false;
        out_.append(its).append(R"(":)");
        return out_;
    }
    void text(std::string_view its, std::string_view value) {
        if (!value.empty()) append_quoted(name(its), value);
    }
    void truth(std::string_view its, bool value) {
        if (value) append_boolean(name(its), true);
    }
    template <class Number>
    void number(std::string_view its, Number value) {
        if (value != Number{}) append_number(name(its), value);
    }
    template <class Number>
    void number(std::string_view its, std::optional<Number> const& value) {
        if (value) append_number(name(its), *value);
    }
    template <class Element, class Write>
    void list(std::string_view its, std::vector<Element> const& elements, Write write) {
        if (elements.empty()) return;
        name(its) += '[';
        for (Element const& one : elements) {
            if (&one != elements.data()) out_ += ',';
            write(one);
        }
        out_ += ']';
    }

private:
    std::string& out_;
    bool first_ = true;
};

void append_message(std::string& out, agent::message const& one) {
    members in{out};
    in.text("from", name_of(one.from));
    in.text("text", one.text);
    in.text("reasoning", one.reasoning);
    in.list("images", one.images, [&](agent::image const& image) {
        members of{out};
        of.text("type", image.media_type);
        of.text("base64", image.base64);
        of.end();
    });
    in.list("calls", one.tool_calls, [&](agent::tool_call const& call) {
        members of{out};
        of.text("id", call.id);
        of.text("name", call.name);
        of.text("arguments", call.arguments);
        of.end();
    });
    in.text("call_id", one.tool_call_id);
    in.text("tool_name", one.tool_name);
    in.end();
}

std::string_view name_of(agent::tool_choice::kind how) noexcept {
    switch (how) {
    case agent::tool_choice::kind::automatic: return {};
    case agent::tool_choice::kind::none: return "none";
    case agent::tool_choice::kind::required: return "required";
    case agent::tool_choice::kind::named: return "named";
    }
    return {};
}
std::string_view name_of(agent::answer_format::kind how) noexcept {
    switch (how) {
    case agent::answer_format::kind::text: return {};
    case agent::answer_format::kind::json: return "json";
    case agent::answer_format::kind::schema: return "schema";
    }
    return {};
}
std::string_view name_of(agent::finish_reason why) noexcept {
    switch (why) {
    case agent::finish_reason::stop: return "stop";
    case agent::finish_reason::length: return "length";
    case agent::finish_reason::tool_calls: return "tool_calls";
    case agent::finish_reason::content_filter: return "content_filter";
    }
    return "stop";
}

void append_sampling(members& in, agent::sampling const& how) {
    in.number("temperature", how.temperature);
    in.number("top_p", how.top_p);
    in.number("min_p", how.min_p);
    in.number("top_k", how.top_k);
    in.number("frequency_penalty", how.frequency_penalty);
    in.number("presence_penalty", how.presence_penalty);
    in.number("repeat_penalty", how.repeat_penalty);
    in.number("seed", how.seed);
}

void append_conversation(std::string& out, agent::conversation const& ask) {
    members in{out};
    in.text("model", ask.model);
    in.text("caller", ask.caller);
    in.list("messages", ask.messages, [&](agent::message const& one) { append_message(out, one); });
    in.truth("is_completion", ask.is_completion);
    in.text("prompt", ask.prompt);
    in.text("suffix", ask.suffix);
    in.list("tools", ask.tools, [&](agent::tool const& tool) {
        members of{out};
        of.text("name", tool.name);
        of.text("description", tool.description);
        of.text("parameters", tool.parameters);
        of.end();
    });
    in.text("choice", name_of(ask.choice.how));
    in.text("chosen_tool", ask.choice.name);
    if (ask.parallel_tool_calls)
        append_boolean(in.name("parallel_tool_calls"), *ask.parallel_tool_calls);
    in.text("format", name_of(ask.format.how));
    in.truth("strict_format", ask.format.strict);
    in.text("schema", ask.format.schema);
    in.text("schema_name", ask.format.name);
    append_sampling(in, ask.sampling);
    in.number("max_tokens", ask.max_tokens);
    in.list("stop", ask.stop, [&](std::string const& word) { append_quoted(out, word); });
    in.text("reasoning_effort", ask.reasoning_effort);
    in.truth("streamed", ask.streamed);
    in.end();
}

} // namespace

void append_hello(std::string& out) {
    begin(out, "hello", link_version);
    out += R"(,"program":)";
    append_quoted(out, version);
    end(out);
}

void append_models(std::string& out, std::vector<agent::model> const& on_offer) {
    out += R"({"models":[)";
    for (agent::model const& one : on_offer) {
        if (&one != on_offer.data()) out += ',';
        members in{out};
        in.text("name", one.name);
        in.number("can", unsigned{one.can});
        in.number("cannot", unsigned{one.cannot});
        in.number("context_tokens", one.context_tokens);
        in.text("family", one.family);
        in.number("embedding_length", one.embedding_length);
        in.number("modified_us", std::chrono::duration_cast<std::chrono::microseconds>(
                                     one.modified.time_since_epoch())
                                     .count());
        in.end();
    }
    out += ']';
    end(out);
}

void append_generate(std::string& out, std::uint64_t id, agent::conversation const& ask) {
    begin(out, "generate", id);
    out += R"(,"conversation":)";
    append_conversation(out, ask);
    end(out);
}

void append_embed(std::string& out, std::uint64_t id, agent::embedding_request const& ask) {
    begin(out, "embed", id);
    out += R"(,"request":)";
    members in{out};
    in.text("model", ask.model);
    in.list("inputs", ask.inputs, [&](std::string const& text) { append_quoted(out, text); });
    in.number("dimensions", ask.dimensions);
    append_boolean(in.name("truncate"), ask.truncate);
    in.end();
    end(out);
}

void append_cancel(std::string& out, std::uint64_t id) {
    begin(out, "cancel", id);
    end(out);
}

void append_credit(std::string& out, std::uint64_t id, std::int64_t bytes) {
    begin(out, "credit", id);
    out += R"(,"bytes":)";
    append_number(out, bytes);
    end(out);
}

void append_event(std::string& out, std::string_view event) {
    out.append(R"({"event":)").append(event);
    end(out);
}

void append_listening(std::string& out, bool anybody) {
    out += R"({"listening":)";
    append_boolean(out, anybody);
    end(out);
}

void append_draining(std::string& out) {
    out += R"({"draining":true)";
    end(out);
}

void append_piece(std::string& out, std::uint64_t id, agent::delta const& piece) {
    switch (piece.what) {
    case agent::delta::kind::opened: begin(out, "opened", id); return end(out);
    case agent::delta::kind::text: begin(out, "text", id); break;
    case agent::delta::kind::reasoning: begin(out, "reasoning", id); break;
    case agent::delta::kind::tool_call:
        begin(out, "call", id);
        out += R"(,"index":)";
        append_number(out, piece.index);
        if (piece.id.empty() && piece.name.empty()) break;
        out += R"(,"id":)";
        append_quoted(out, piece.id);
        out += R"(,"name":)";
        append_quoted(out, piece.name);
        break;
    case agent::delta::kind::finished:
        begin(out, "finished", id);
        out.append(R"(,"reason":")").append(name_of(piece.reason)).append(R"(","prompt_tokens":)");
        append_number(out, piece.used.prompt_tokens);
        out += R"(,"completion_tokens":)";
        append_number(out, piece.used.completion_tokens);
        return end(out);
    }
    out += R"(,"data":)";
    append_quoted(out, piece.text);
    end(out);
}

void append_vector(std::string& out, std::uint64_t id, std::vector<float> const& vector) {
    begin(out, "vector", id);
    out += R"(,"of":[)";
    for (float const& number : vector) {
        if (&number != vector.data()) out += ',';
        std::array<char, 32> digits;
        float const sent = std::isfinite(number) ? number : 0.0F; // JSON has no other
        out.append(digits.data(),
                   std::to_chars(digits.data(), digits.data() + digits.size(), sent).ptr);
    }
    out += ']';
    end(out);
}

void append_failed(std::string& out, std::uint64_t id, rejection const& why) {
    begin(out, "failed", id);
    out += R"(,"status":)";
    append_number(out, why.status());
    out += R"(,"message":)";
    append_quoted(out, why.message());
    if (!why.reason().empty()) append_quoted(out += R"(,"reason":)", why.reason());
    if (!why.where().empty()) append_quoted(out += R"(,"where":)", why.where());
    if (auto const wait = why.retry_after())
        append_number(out += R"(,"retry_after":)", wait->count());
    end(out);
}

} // namespace mcp_provider::server::bridge
