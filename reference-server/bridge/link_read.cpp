#include "bridge/link_wire.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/reader.hpp"

#include <boost/json/object.hpp>

#include <charconv>
#include <chrono>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::bridge {

namespace {

bool takes(std::string_view& rest, std::string_view what) noexcept {
    if (!rest.starts_with(what)) return false;
    rest.remove_prefix(what.size());
    return true;
}

template <class Number>
bool takes_number(std::string_view& rest, Number& into) noexcept {
    auto const [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), into);
    if (failure != std::errc{}) return false;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return true;
}

/// The rest of a line behind `"data":"`, if nothing follows the text: as it is, or in `scratch` where it has escapes of
/// one character. Everything else is for the parser.
bool takes_data(std::string_view rest, std::string& scratch, std::string_view& into) {
    constexpr std::string_view tail = "\"}";
    if (!rest.ends_with(tail)) return false;
    rest.remove_suffix(tail.size());
    std::size_t at = 0;
    auto const is_special = [](char c) {
        return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
    };
    while (at != rest.size() && !is_special(rest[at])) ++at;
    if (at == rest.size()) {
        into = rest;
        return true;
    }
    scratch.clear();
    std::size_t copied = 0;
    for (; at != rest.size(); ++at) {
        if (!is_special(rest[at])) continue;
        if (rest[at] != '\\' || at + 1 == rest.size()) return false;
        scratch.append(rest, copied, at - copied);
        switch (rest[++at]) {
        case 'n': scratch += '\n'; break;
        case '"': scratch += '"'; break;
        case '\\': scratch += '\\'; break;
        case '/': scratch += '/'; break;
        case 't': scratch += '\t'; break;
        case 'r': scratch += '\r'; break;
        case 'b': scratch += '\b'; break;
        case 'f': scratch += '\f'; break;
        default: return false;
        }
        copied = at + 1;
    }
    scratch.append(rest, copied, rest.size() - copied);
    into = scratch;
    return true;
}

rejection not_understood(std::string what) {
    return rejection{rejection_code::bad_request, "the link does not understand " + what};
}

/// A rejection names its reason by a view that outlives it: reasons from the other side are kept, a few of them.
std::string_view kept(std::string_view reason) {
    constexpr std::size_t most = 256;
    constexpr std::size_t longest = 64;
    static std::mutex mutex;
    static std::set<std::string, std::less<>> known;
    if (reason.size() > longest) return {};
    std::lock_guard const lock{mutex};
    auto const found = known.find(reason);
    if (found != known.end()) return *found;
    if (known.size() == most) return {};
    return *known.emplace(reason).first;
}

std::optional<rejection_code> code_of(std::int64_t status) noexcept {
    for (auto code = rejection_code::bad_request; code <= rejection_code::version_unsupported;
         code = static_cast<rejection_code>(static_cast<std::uint8_t>(code) + 1))
        if (status_of(code) == status) return code;
    return std::nullopt;
}

template <class Kind>
struct spelling {
    std::string_view text;
    Kind kind;
};

template <class Kind, std::size_t N>
Kind kind_of(json::reader in, spelling<Kind> const (&known)[N], Kind otherwise) {
    if (!in.present()) return otherwise;
    for (auto const& one : known)
        if (one.text == in.text()) return one.kind;
    in.complain("is not known");
    return otherwise;
}

constexpr spelling<agent::role> roles[] = {{"system", agent::role::system},
                                           {"user", agent::role::user},
                                           {"assistant", agent::role::assistant},
                                           {"tool", agent::role::tool}};
constexpr spelling<agent::tool_choice::kind> choices[] = {
    {"none", agent::tool_choice::kind::none},
    {"required", agent::tool_choice::kind::required},
    {"named", agent::tool_choice::kind::named}};
constexpr spelling<agent::answer_format::kind> formats[] = {
    {"json", agent::answer_format::kind::json}, {"schema", agent::answer_format::kind::schema}};
constexpr spelling<agent::finish_reason> reasons[] = {
    {"stop", agent::finish_reason::stop},
    {"length", agent::finish_reason::length},
    {"tool_calls", agent::finish_reason::tool_calls},
    {"content_filter", agent::finish_reason::content_filter}};

constexpr spelling<link_word> words[] = {
    {"hello", link_word::hello},       {"models", link_word::models},
    {"generate", link_word::generate}, {"embed", link_word::embed},
    {"cancel", link_word::cancel},     {"credit", link_word::credit},
    {"event", link_word::event},       {"listening", link_word::listening},
    {"draining", link_word::draining}, {"vector", link_word::vector},
    {"failed", link_word::failed},     {"opened", link_word::piece},
    {"text", link_word::piece},        {"reasoning", link_word::piece},
    {"call", link_word::piece},        {"finished", link_word::piece}};

std::string text_of(json::reader in) { return std::string{in.text_or({})}; }

std::optional<double> number_of(json::reader in) {
    return in.present() ? std::optional{in.number()} : std::nullopt;
}
std::optional<std::int64_t> integer_of(json::reader in) {
    return in.present() ? std::optional{in.integer()} : std::nullopt;
}
std::uint64_t count_of(json::reader in) { return static_cast<std::uint64_t>(in.integer_or(0, 0)); }

/// The piece of a line that has not been read quickly. Its views are those of the document.
agent::delta piece_of(json::reader in, std::string_view word) {
    agent::delta out;
    out.text = in["data"].text_or({});
    if (word == "text") out.what = agent::delta::kind::text;
    if (word == "reasoning") out.what = agent::delta::kind::reasoning;
    if (word == "call") {
        out.what = agent::delta::kind::tool_call;
        out.index = static_cast<std::uint32_t>(in["index"].integer(0, UINT32_MAX));
        out.id = in["id"].text_or({});
        out.name = in["name"].text_or({});
    }
    if (word == "finished") {
        out.what = agent::delta::kind::finished;
        out.reason = kind_of(in["reason"], reasons, agent::finish_reason::stop);
        out.used = {count_of(in["prompt_tokens"]), count_of(in["completion_tokens"])};
    }
    return out;
}

agent::message message_of(json::reader in) {
    agent::message out{kind_of(in["from"], roles, agent::role::user), text_of(in["text"])};
    out.reasoning = text_of(in["reasoning"]);
    for (json::reader const one : in["images"].elements_or_none())
        out.images.emplace_back(text_of(one["type"]), text_of(one["base64"]));
    for (json::reader const one : in["calls"].elements_or_none())
        out.tool_calls.emplace_back(text_of(one["id"]), text_of(one["name"]),
                                    text_of(one["arguments"]));
    out.tool_call_id = text_of(in["call_id"]);
    out.tool_name = text_of(in["tool_name"]);
    return out;
}

} // namespace

result<> link_reader::read(std::string_view line, link_line& into) {
    if (read_quickly(line, into)) return {};
    return read_document(line, into);
}

bool link_reader::read_quickly(std::string_view line, link_line& into) {
    agent::delta piece;
    if (takes(line, R"({"text":)"))
        piece.what = agent::delta::kind::text;
    else if (takes(line, R"({"reasoning":)"))
        piece.what = agent::delta::kind::reasoning;
    else if (takes(line, R"({"call":)"))
        piece.what = agent::delta::kind::tool_call;
    else
        return false;
    if (!takes_number(line, into.id) || into.id > INT64_MAX) return false;
    if (piece.what == agent::delta::kind::tool_call &&
        (!takes(line, R"(,"index":)") || !takes_number(line, piece.index)))
        return false;
    if (!takes(line, R"(,"data":")") || !takes_data(line, scratch_, piece.text)) return false;
    into.word = link_word::piece;
    into.piece = piece;
    return true;
}

result<> link_reader::read_document(std::string_view line, link_line& into) {
    json::parse_limits limits;
    limits.max_bytes = most_link_message;
    auto parsed = json::parse(line, limits);
    if (!parsed) return not_understood("a line: " + parsed.error().message());
    into.document = *std::move(parsed);
    boost::json::object const* const object = into.document.if_object();
    if (object == nullptr || object->empty()) return not_understood("a line that is no object");
    // The first member of a parsed object stays the first.
    std::string_view const name{object->begin()->key().data(), object->begin()->key().size()};
    spelling<link_word> const* known = nullptr;
    for (auto const& one : words)
        if (one.text == name) known = &one;
    if (known == nullptr) return not_understood("the word of a line");
    into.word = known->kind;
    json::reading pass{into.document};
    json::reader const in = pass.root();
    json::reader const first = in[known->text];
    switch (into.word) {
    case link_word::hello: into.number = first.integer(0); break;
    case link_word::models:
    case link_word::draining: break;
    case link_word::listening: into.number = first.boolean() ? 1 : 0; break;
    case link_word::event: {
        constexpr std::string_view head = R"({"event":)";
        if (!first.is_object() || object->size() != 1 || !line.starts_with(head))
            return not_understood("an event");
        into.text = line.substr(head.size(), line.size() - head.size() - 1);
        break;
    }
    case link_word::credit: into.number = in["bytes"].integer(1, INT32_MAX); [[fallthrough]];
    default: into.id = static_cast<std::uint64_t>(first.integer(0)); break;
    }
    if (into.word == link_word::piece) into.piece = piece_of(in, known->text);
    return pass.outcome();
}

result<agent::model_list> models_in(boost::json::value const& line) {
    json::reading pass{line};
    auto out = std::make_shared<std::vector<agent::model>>();
    using flags = decltype(agent::model::can);
    using limits = decltype(agent::model::cannot);
    for (json::reader const one : pass.root()["models"].elements()) {
        out->emplace_back(
            text_of(one["name"]),
            static_cast<flags>(one["can"].integer_or(0, 0, std::numeric_limits<flags>::max())),
            count_of(one["context_tokens"]), text_of(one["family"]));
        agent::model& made = out->back();
        made.cannot =
            static_cast<limits>(one["cannot"].integer_or(0, 0, std::numeric_limits<limits>::max()));
        made.embedding_length =
            static_cast<std::uint32_t>(one["embedding_length"].integer_or(0, 0, UINT32_MAX));
        made.modified = std::chrono::system_clock::time_point{
            std::chrono::microseconds{one["modified_us"].integer_or(0)}};
    }
    if (auto const outcome = pass.outcome(); !outcome) return outcome.error();
    return agent::model_list{std::move(out)};
}

result<agent::conversation> conversation_in(boost::json::value const& line) {
    json::reading pass{line};
    json::reader const in = pass.root()["conversation"];
    agent::conversation out;
    out.model = in["model"].text();
    out.caller = text_of(in["caller"]);
    for (json::reader const one : in["messages"].elements_or_none())
        out.messages.push_back(message_of(one));
    out.is_completion = in["is_completion"].boolean_or(false);
    out.prompt = text_of(in["prompt"]);
    out.suffix = text_of(in["suffix"]);
    for (json::reader const one : in["tools"].elements_or_none())
        out.tools.emplace_back(text_of(one["name"]), text_of(one["description"]),
                               text_of(one["parameters"]));
    out.choice =
        agent::tool_choice{kind_of(in["choice"], choices, agent::tool_choice::kind::automatic),
                           text_of(in["chosen_tool"])};
    if (json::reader const parallel = in["parallel_tool_calls"]; parallel.present())
        out.parallel_tool_calls = parallel.boolean();
    out.format = agent::answer_format{
        kind_of(in["format"], formats, agent::answer_format::kind::text), text_of(in["schema"]),
        text_of(in["schema_name"]), in["strict_format"].boolean_or(false)};
    out.sampling.temperature = number_of(in["temperature"]);
    out.sampling.top_p = number_of(in["top_p"]);
    out.sampling.min_p = number_of(in["min_p"]);
    out.sampling.top_k = integer_of(in["top_k"]);
    out.sampling.frequency_penalty = number_of(in["frequency_penalty"]);
    out.sampling.presence_penalty = number_of(in["presence_penalty"]);
    out.sampling.repeat_penalty = number_of(in["repeat_penalty"]);
    out.sampling.seed = integer_of(in["seed"]);
    out.max_tokens = integer_of(in["max_tokens"]);
    for (json::reader const one : in["stop"].elements_or_none()) out.stop.push_back(text_of(one));
    out.reasoning_effort = text_of(in["reasoning_effort"]);
    out.streamed = in["streamed"].boolean_or(false);
    if (auto const outcome = pass.outcome(); !outcome) return outcome.error();
    return out;
}

result<agent::embedding_request> embedding_request_in(boost::json::value const& line) {
    json::reading pass{line};
    json::reader const in = pass.root()["request"];
    agent::embedding_request out;
    out.model = in["model"].text();
    for (json::reader const one : in["inputs"].elements_or_none())
        out.inputs.push_back(text_of(one));
    out.dimensions = static_cast<std::uint32_t>(in["dimensions"].integer_or(0, 0, UINT32_MAX));
    out.truncate = in["truncate"].boolean_or(true);
    if (auto const outcome = pass.outcome(); !outcome) return outcome.error();
    return out;
}

result<std::vector<float>> vector_in(boost::json::value const& line) {
    json::reading pass{line};
    std::vector<float> out;
    for (json::reader const one : pass.root()["of"].elements())
        out.push_back(static_cast<float>(one.number()));
    if (auto const outcome = pass.outcome(); !outcome) return outcome.error();
    return out;
}

rejection rejection_in(boost::json::value const& line) {
    json::reading pass{line};
    json::reader const in = pass.root();
    rejection out =
        rejection{code_of(in["status"].integer_or(0)).value_or(rejection_code::upstream_failed),
                  text_of(in["message"])}
            .because(kept(in["reason"].text_or({})))
            .at(text_of(in["where"]));
    json::reader const wait = in["retry_after"];
    if (!wait.present()) return out;
    return std::move(out).come_again_in(std::chrono::seconds{wait.integer(0, INT32_MAX)});
}

} // namespace mcp_provider::server::bridge
