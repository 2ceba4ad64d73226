#include "ollama/wire.hpp"

#include "mcp_provider/json/reader.hpp"
#include "ollama/members.hpp"

namespace mcp_provider::server::ollama {

namespace {

rejection too_long(std::string_view what, std::size_t count, std::size_t allowed,
                   std::string where) {
    return rejection{rejection_code::bad_request,
                     std::string{what} + " of " + std::to_string(count) +
                         " characters; allowed are " + std::to_string(allowed)}
        .because("too_long")
        .at(std::move(where));
}

std::string read_model(json::reader root, char const* older_name = nullptr) {
    std::string model{root["model"].text_or({})};
    if (model.empty() && older_name != nullptr) model = root[older_name].text_or({});
    return model;
}

/// What chat and generate read alike.
void read_generation(json::reader root, generation_rules const& rules, generation& into,
                     agent::conversation& ask) {
    into.model = read_model(root);
    into.streamed = reads_streamed(root["stream"], rules);
    into.unloads = reads_unload(root["keep_alive"]);
    into.think = read_thinking(root["think"], ask);
    ask.model = into.model;
    ask.streamed = into.streamed;
    read_options(root["options"], rules, ask);
    read_format(root["format"], ask);
    refuse_logprobs(root);
    static_cast<void>(root["truncate"].boolean_or(true));
    static_cast<void>(root["shift"].boolean_or(true));
}

/// The texts of POST /api/generate before it is known what they make.
class prompt_parts {
public:
    explicit prompt_parts(json::reader root)
        : prompt{root["prompt"].text_or({})}, suffix{root["suffix"].text_or({})},
          system{root["system"].text_or({})}, images{read_images(root["images"])} {}

    std::string prompt;
    std::string suffix;
    std::string system;
    std::vector<agent::image> images;
};

void make_completion(json::reader root, prompt_parts&& parts, agent::conversation& ask) {
    if (!parts.images.empty()) root["images"].complain("cannot be given with raw or suffix");
    if (!parts.system.empty()) root["system"].complain("cannot be given with suffix");
    ask.is_completion = true;
    ask.prompt = std::move(parts.prompt);
    ask.suffix = std::move(parts.suffix);
}

void make_chat(prompt_parts&& parts, agent::conversation& ask) {
    if (!parts.system.empty())
        ask.messages.emplace_back(agent::role::system, std::move(parts.system));
    ask.messages.emplace_back(agent::role::user, std::move(parts.prompt));
    ask.messages.back().images = std::move(parts.images);
}

} // namespace

agent::conversation const& generation::ask_of(agent::model const& found,
                                              principal const& who) const {
    ask_.model = found.name;
    ask_.caller = who.id();
    // A model that cannot think need not be told to leave it, and some upstreams refuse the word.
    if (think == thinking::off && !found.has(agent::capability::thinking))
        ask_.reasoning_effort.clear();
    return ask_;
}

result<chat_request> chat_request::from_json(boost::json::value const& document,
                                             generation_rules const& rules) {
    json::reading pass{document};
    json::reader const root = pass.root();
    chat_request request;
    read_generation(root, rules, request, request.ask_);
    read_messages(root["messages"], rules, request.ask_);
    read_tools(root, request.ask_);
    if (result<> outcome = pass.outcome(); !outcome) return std::move(outcome).error();
    if (result<> named = check_model_name(request.model, rules, "/model"); !named)
        return std::move(named).error();
    if (auto const count = ollama::count_characters(request.ask_.messages);
        count > rules.max_message_characters)
        return too_long("the messages have a text", count, rules.max_message_characters,
                        "/messages");
    return request;
}

result<generate_request> generate_request::from_json(boost::json::value const& document,
                                                     generation_rules const& rules) {
    json::reading pass{document};
    json::reader const root = pass.root();
    generate_request request;
    read_generation(root, rules, request, request.ask_);
    request.raw = root["raw"].boolean_or(false);
    bool const has_template = !root["template"].text_or({}).empty();
    json::element_range const context = root["context"].elements_or_none();
    for (json::reader const token : context) static_cast<void>(token.integer());
    prompt_parts parts{root};
    if (request.raw && (has_template || !parts.system.empty() || context.size() != 0))
        root["raw"].complain("mode does not support template, system, or context");
    if (has_template)
        root["template"].complain("is not supported: agents have templates of their own");

    std::size_t const prompt_length =
        server::count_characters(parts.prompt) + server::count_characters(parts.suffix);
    std::size_t const text_length = prompt_length + server::count_characters(parts.system);
    request.empty_ = parts.prompt.empty() && parts.suffix.empty() && parts.images.empty();
    if (request.raw || !parts.suffix.empty())
        make_completion(root, std::move(parts), request.ask_);
    else
        make_chat(std::move(parts), request.ask_);

    if (result<> outcome = pass.outcome(); !outcome) return std::move(outcome).error();
    if (result<> named = check_model_name(request.model, rules, "/model"); !named)
        return std::move(named).error();
    if (prompt_length > rules.max_prompt_characters)
        return too_long("the prompt and its suffix have a text", prompt_length,
                        rules.max_prompt_characters, "/prompt");
    if (text_length > rules.max_message_characters)
        return too_long("the prompt and system have a text", text_length,
                        rules.max_message_characters, "/system");
    return request;
}

result<embed_request> embed_request::from_json(boost::json::value const& document,
                                               generation_rules const& rules) {
    json::reading pass{document};
    json::reader const root = pass.root();
    embed_request request;
    request.model = read_model(root);
    request.truncate = root["truncate"].boolean_or(true);
    request.dimensions = static_cast<std::uint32_t>(root["dimensions"].integer_or(0, 0, 1'000'000));
    static_cast<void>(reads_unload(root["keep_alive"]));
    agent::conversation unused;
    read_options(root["options"], rules, unused);
    json::reader const input = root["input"];
    bool valid = true;
    if (input.is_text()) {
        request.single = true;
        if (!input.text().empty()) request.inputs.emplace_back(input.text());
    } else if (input.is_array()) {
        for (json::reader const one : input.elements(0, rules.max_inputs)) {
            valid = valid && one.is_text();
            if (one.is_text()) request.inputs.emplace_back(one.text());
        }
    } else {
        valid = !input.present();
    }
    if (result<> outcome = pass.outcome(); !outcome) return std::move(outcome).error();
    if (!valid)
        return rejection{rejection_code::bad_request,
                         "invalid input type; allowed are a string and a list of strings"}
            .because("invalid_value")
            .at("/input");
    if (result<> named = check_model_name(request.model, rules, "/model"); !named)
        return std::move(named).error();
    for (std::size_t i = 0; i != request.inputs.size(); ++i)
        if (auto const count = server::count_characters(request.inputs[i]);
            count > rules.max_prompt_characters)
            return too_long("the input is a text", count, rules.max_prompt_characters,
                            request.single ? "/input" : "/input/" + std::to_string(i));
    return request;
}

result<embeddings_request> embeddings_request::from_json(boost::json::value const& document,
                                                         generation_rules const& rules) {
    json::reading pass{document};
    json::reader const root = pass.root();
    embeddings_request request;
    request.model = read_model(root);
    request.prompt = root["prompt"].text_or({});
    static_cast<void>(reads_unload(root["keep_alive"]));
    agent::conversation unused;
    read_options(root["options"], rules, unused);
    if (result<> outcome = pass.outcome(); !outcome) return std::move(outcome).error();
    if (result<> named = check_model_name(request.model, rules, "/model"); !named)
        return std::move(named).error();
    if (auto const count = server::count_characters(request.prompt);
        count > rules.max_prompt_characters)
        return too_long("the prompt is a text", count, rules.max_prompt_characters, "/prompt");
    return request;
}

result<show_request> show_request::from_json(boost::json::value const& document,
                                             generation_rules const& rules) {
    json::reading pass{document};
    json::reader const root = pass.root();
    show_request request;
    request.model = read_model(root, "name");
    request.verbose = root["verbose"].boolean_or(false);
    if (result<> outcome = pass.outcome(); !outcome) return std::move(outcome).error();
    if (result<> named = check_model_name(request.model, rules, "/model"); !named)
        return std::move(named).error();
    return request;
}

result<pull_request> pull_request::from_json(boost::json::value const& document,
                                             generation_rules const& rules) {
    json::reading pass{document};
    json::reader const root = pass.root();
    pull_request request;
    request.model = read_model(root, "name");
    request.streamed = root["stream"].boolean_or(true);
    if (result<> outcome = pass.outcome(); !outcome) return std::move(outcome).error();
    if (result<> named = check_model_name(request.model, rules, "/model"); !named)
        return std::move(named).error();
    return request;
}

} // namespace mcp_provider::server::ollama
