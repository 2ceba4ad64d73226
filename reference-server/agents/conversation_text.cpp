#include "agents/conversation_text.hpp"

#include "mcp_provider/json/write.hpp"

#include <algorithm>
#include <utility>

namespace mcp_provider::server::agents {

namespace {

using agent::role;

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view blanks = " \t\r\n";
    std::size_t const begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

void append_field(std::string& out, std::string_view text) {
    json::append_number(out, text.size());
    (out += ':') += text;
}

/// Everything of a message that an agent could have been told. Clients send answers back with blanks cut off, so those
/// at the ends do not count.
crypto::digest chained(crypto::digest const& before, agent::message const& one) {
    std::string text{crypto::as_text(before)};
    text += static_cast<char>('0' + static_cast<int>(one.from));
    append_field(text,
                 one.from == role::assistant ? trimmed(one.text) : std::string_view{one.text});
    append_field(text, one.tool_call_id);
    append_field(text, one.tool_name);
    for (agent::tool_call const& call : one.tool_calls) {
        append_field(text, call.id);
        append_field(text, call.name);
        append_field(text, call.arguments);
    }
    for (agent::image const& picture : one.images) append_field(text, picture.base64);
    return crypto::sha256(text);
}

std::vector<agent::message> messages_of(agent::conversation const& ask) {
    if (!ask.is_completion) return ask.messages;
    std::vector<agent::message> only;
    only.emplace_back(role::user, ask.prompt);
    return only;
}

std::string_view tag_of(role who) noexcept {
    switch (who) {
    case role::system: return "instructions";
    case role::user: return "user";
    case role::assistant: return "assistant";
    case role::tool: return "tool_result";
    }
    return "user";
}

void append_message(std::string& out, agent::message const& one) {
    std::string_view const tag = tag_of(one.from);
    (out += '<') += tag;
    out += ">\n";
    out += trimmed(one.text);
    for (agent::tool_call const& call : one.tool_calls) {
        out += "\n<tool_call name=\"";
        (out += call.name) += "\">";
        (out += call.arguments) += "</tool_call>";
    }
    (out += "\n</") += tag;
    out += ">\n";
}

/// Whether an agent could take it for a command of its own: Copilot's `/allow-all on` ends all questions for permission.
/// They cut off blanks of every alphabet before they look, so whatever is no printable ASCII counts as one.
bool is_like_a_command(std::string_view text) noexcept {
    auto const first = std::find_if(text.begin(), text.end(), [](char c) {
        auto const byte = static_cast<unsigned char>(c);
        return byte > 0x20 && byte < 0x7f;
    });
    return first != text.end() && (*first == '/' || *first == '!');
}

} // namespace

conversation_text::conversation_text(agent::conversation const& ask)
    : model_{ask.model}, effort_{ask.reasoning_effort}, messages_{messages_of(ask)} {
    std::string head;
    append_field(head, ask.caller);
    append_field(head, model_);
    append_field(head, effort_);
    whole_ = crypto::sha256(head);
    for (std::size_t i = 0; i != messages_.size(); ++i) {
        whole_ = chained(whole_, messages_[i]);
        if (messages_[i].from == role::assistant && i + 1 != messages_.size())
            beginnings_.push_back({whole_, i + 1});
    }
    std::reverse(beginnings_.begin(), beginnings_.end());
}

crypto::digest conversation_text::key_with(std::string_view answer) const {
    return chained(whole_, agent::message{role::assistant, std::string{answer}});
}

void conversation_text::append_history(std::string& out, std::size_t from, std::size_t to) const {
    for (std::size_t i = from; i != to; ++i) append_message(out, messages_[i]);
}

std::vector<agent::message> conversation_text::history(std::size_t from, std::size_t to) const {
    std::vector<agent::message> told;
    for (std::size_t i = from; i != to; ++i) {
        agent::message const& one = messages_[i];
        bool const is_answer = one.from == role::assistant;
        std::string text;
        if (one.from == role::user || (is_answer && one.tool_calls.empty()))
            text = one.text;
        else
            append_message(text, one);
        if (text.empty() && one.images.empty()) continue;
        told.emplace_back(is_answer ? role::assistant : role::user, std::move(text));
        told.back().images = one.images;
    }
    return told;
}

agent_prompt conversation_text::prompt(std::size_t known, prompt_parts apart) const {
    agent_prompt told;
    told.model = model_;
    told.effort = effort_;
    std::size_t first = known; // behind the instructions at the beginning
    while (first < messages_.size() && messages_[first].from == role::system) ++first;
    bool const ends_with_user = first < messages_.size() && messages_.back().from == role::user;
    std::size_t const last = messages_.size() - (ends_with_user ? 1 : 0);
    if (apart.system && known == 0) {
        for (std::size_t i = 0; i != first; ++i) {
            if (!told.system.empty()) told.system += "\n\n";
            told.system += messages_[i].text;
        }
    } else if (apart.history) {
        first = known;
    } else {
        append_history(told.text, known, first);
    }
    if (apart.history) {
        told.history = history(first, last);
    } else if (first < last) {
        told.text += known == 0 ? "<conversation>\n" : "<conversation continues=\"true\">\n";
        append_history(told.text, first, last);
        told.text += "</conversation>\n";
    }
    if (!told.text.empty()) told.text += '\n';
    if (ends_with_user)
        told.text += messages_.back().text;
    else
        told.text += "Go on with the conversation: give the assistant's next message.";
    if (is_like_a_command(told.text)) told.text.insert(0, "The user says:\n");
    for (std::size_t i = apart.history ? last : known; i != messages_.size(); ++i)
        for (agent::image const& one : messages_[i].images) told.images.push_back(one);
    return told;
}

} // namespace mcp_provider::server::agents
