#include "agents/openai_body.hpp"

#include "mcp_provider/json/write.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::agents {

namespace {

using json::append_boolean;
using json::append_number;
using json::append_quoted;

/// Appends the members of one object, with the commas between them.
class object_writer {
public:
    explicit object_writer(std::string& out) : out_{out} { out_ += '{'; }
    void end() { out_ += '}'; }

    /// Begins a member; its value is appended by the caller. `name` needs no escape.
    std::string& member(std::string_view name) {
        if (!is_first_) out_ += ',';
        is_first_ = false;
        out_ += '"';
        out_ += name;
        out_ += "\":";
        return out_;
    }
    void text(std::string_view name, std::string_view value) { append_quoted(member(name), value); }
    void raw(std::string_view name, std::string_view json) { member(name) += json; }
    template <class Number>
    void number(std::string_view name, std::optional<Number> const& value) {
        if (value) append_number(member(name), *value);
    }

private:
    std::string& out_;
    bool is_first_ = true;
};

std::string_view media_type_of(agent::image const& one) noexcept {
    if (!one.media_type.empty()) return one.media_type;
    std::string_view const start = std::string_view{one.base64}.substr(0, 5);
    if (start.starts_with("/9j/")) return "image/jpeg";
    if (start.starts_with("R0lG")) return "image/gif";
    if (start.starts_with("UklGR")) return "image/webp";
    return "image/png";
}

/// The calls that wait for their tool's answer, where the dialect gave no ids (Ollama's history has only names).
class open_calls {
public:
    /// The id of a call, made up where it has none.
    std::string add(agent::tool_call const& call) {
        std::string id = call.id.empty() ? "call_" + std::to_string(++made_up_) : call.id;
        waiting_.push_back({id, call.name});
        return id;
    }

    /// The id that a tool's answer belongs to, and takes it off the list.
    std::string take(agent::message const& answer) {
        auto found = waiting_.end();
        for (auto one = waiting_.begin(); one != waiting_.end() && found == waiting_.end(); ++one)
            if (answer.tool_call_id.empty()
                    ? answer.tool_name.empty() || one->name == answer.tool_name
                    : one->id == answer.tool_call_id)
                found = one;
        if (found == waiting_.end() && answer.tool_call_id.empty()) found = waiting_.begin();
        std::string id = found != waiting_.end() ? found->id : answer.tool_call_id;
        if (found != waiting_.end()) waiting_.erase(found);
        return id;
    }

private:
    struct waiting {
        std::string id;
        std::string name;
    };
    std::vector<waiting> waiting_;
    int made_up_ = 0;
};

void append_content(std::string& out, agent::message const& one) {
    if (one.images.empty()) {
        if (one.text.empty() && !one.tool_calls.empty())
            out += "null";
        else
            append_quoted(out, one.text);
        return;
    }
    out += '[';
    if (!one.text.empty()) {
        out += R"({"type":"text","text":)";
        append_quoted(out, one.text);
        out += "},";
    }
    for (agent::image const& shown : one.images) {
        out += R"({"type":"image_url","image_url":{"url":"data:)";
        json::append_escaped(out, media_type_of(shown));
        out += ";base64,";
        json::append_escaped(out, shown.base64);
        out += "\"}},";
    }
    out.back() = ']';
}

void append_message(std::string& out, agent::message const& one, open_calls& calls,
                    openai_kind kind) {
    object_writer object{out};
    object.text("role", name_of(one.from));
    append_content(object.member("content"), one);
    if (one.from == agent::role::tool) object.text("tool_call_id", calls.take(one));
    if (!one.reasoning.empty() && kind == openai_kind::compatible) {
        object.text("reasoning_content", one.reasoning);
        object.text("reasoning", one.reasoning);
    }
    if (!one.tool_calls.empty()) {
        object.member("tool_calls") += '[';
        for (agent::tool_call const& call : one.tool_calls) {
            out += R"({"type":"function","id":)";
            append_quoted(out, calls.add(call));
            out += R"(,"function":{"name":)";
            append_quoted(out, call.name);
            out += R"(,"arguments":)";
            append_quoted(out, call.arguments.empty() ? std::string_view{"{}"}
                                                      : std::string_view{call.arguments});
            out += "}},";
        }
        out.back() = ']';
    }
    object.end();
}

void append_tools(object_writer& object, agent::conversation const& ask) {
    using choice = agent::tool_choice::kind;
    if (ask.tools.empty()) return;
    std::string& out = object.member("tools");
    out += '[';
    for (agent::tool const& one : ask.tools) {
        out += R"({"type":"function","function":{"name":)";
        append_quoted(out, one.name);
        if (!one.description.empty()) {
            out += R"(,"description":)";
            append_quoted(out, one.description);
        }
        out += R"(,"parameters":)";
        out += one.parameters.empty() ? std::string_view{R"({"type":"object","properties":{}})"}
                                      : std::string_view{one.parameters};
        out += "}},";
    }
    out.back() = ']';
    switch (ask.choice.how) {
    case choice::automatic: break;
    case choice::none: object.text("tool_choice", "none"); break;
    case choice::required: object.text("tool_choice", "required"); break;
    case choice::named:
        append_quoted(object.member("tool_choice") += R"({"type":"function","function":{"name":)",
                      ask.choice.name);
        out += "}}";
        break;
    }
    if (ask.parallel_tool_calls)
        append_boolean(object.member("parallel_tool_calls"), *ask.parallel_tool_calls);
}

void append_format(object_writer& object, agent::answer_format const& format) {
    switch (format.how) {
    case agent::answer_format::kind::text: return;
    case agent::answer_format::kind::json:
        object.raw("response_format", R"({"type":"json_object"})");
        return;
    case agent::answer_format::kind::schema: break;
    }
    std::string& out = object.member("response_format");
    out += R"({"type":"json_schema","json_schema":{"name":)";
    append_quoted(out,
                  format.name.empty() ? std::string_view{"answer"} : std::string_view{format.name});
    out += R"(,"strict":)";
    append_boolean(out, format.strict);
    out += R"(,"schema":)";
    out += format.schema;
    out += "}}";
}

void append_sampling(object_writer& object, agent::conversation const& ask, openai_kind kind) {
    agent::sampling const& how = ask.sampling;
    bool const is_chat_of_openai = kind == openai_kind::original && !ask.is_completion;
    object.number(is_chat_of_openai ? "max_completion_tokens" : "max_tokens", ask.max_tokens);
    object.number("temperature", how.temperature);
    object.number("top_p", how.top_p);
    object.number("frequency_penalty", how.frequency_penalty);
    object.number("presence_penalty", how.presence_penalty);
    object.number("seed", how.seed);
    if (kind == openai_kind::compatible) {
        object.number("top_k", how.top_k);
        object.number("min_p", how.min_p);
        object.number("repeat_penalty", how.repeat_penalty);     // llama.cpp, LM Studio
        object.number("repetition_penalty", how.repeat_penalty); // vLLM
    }
    if (!ask.stop.empty()) {
        std::string& out = object.member("stop");
        out += '[';
        for (std::string const& one : ask.stop) {
            append_quoted(out, one);
            out += ',';
        }
        out.back() = ']';
    }
    if (!ask.reasoning_effort.empty()) object.text("reasoning_effort", ask.reasoning_effort);
}

std::size_t size_of_texts(agent::conversation const& ask) noexcept {
    std::size_t size = ask.prompt.size() + ask.suffix.size() + ask.format.schema.size();
    for (agent::message const& one : ask.messages) {
        size += one.text.size() + 64;
        for (agent::image const& shown : one.images) size += shown.base64.size();
    }
    for (agent::tool const& one : ask.tools)
        size += one.parameters.size() + one.description.size() + 96;
    return size;
}

} // namespace

std::string openai_body(agent::conversation const& ask, std::string_view model, openai_kind kind) {
    std::string out;
    out.reserve(size_of_texts(ask) * 17 / 16 + 256); // most texts have few escapes
    object_writer object{out};
    object.text("model", model);
    if (ask.is_completion) {
        object.text("prompt", ask.prompt);
        if (!ask.suffix.empty()) object.text("suffix", ask.suffix);
    } else {
        open_calls calls;
        object.member("messages") += '[';
        for (agent::message const& one : ask.messages) {
            append_message(out, one, calls, kind);
            out += ',';
        }
        if (ask.messages.empty())
            out += ']';
        else
            out.back() = ']';
        append_tools(object, ask);
    }
    append_format(object, ask.format);
    append_sampling(object, ask, kind);
    if (ask.streamed) {
        object.raw("stream", "true");
        object.raw("stream_options", R"({"include_usage":true})");
    }
    object.end();
    return out;
}

std::string openai_embedding_body(agent::embedding_request const& ask, std::string_view model) {
    std::string out;
    object_writer object{out};
    object.text("model", model);
    object.member("input") += '[';
    for (std::string const& one : ask.inputs) {
        append_quoted(out, one);
        out += ',';
    }
    if (ask.inputs.empty())
        out += ']';
    else
        out.back() = ']';
    object.text("encoding_format", "float");
    if (ask.dimensions != 0) append_number(object.member("dimensions"), ask.dimensions);
    object.end();
    return out;
}

} // namespace mcp_provider::server::agents
