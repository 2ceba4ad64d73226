#include "openai/wire.hpp"

#include "mcp_provider/json/reader.hpp"
#include "openai/messages.hpp"
#include "openai/parameters.hpp"
#include "openai/tools.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace mcp_provider::server::openai {

namespace {

constexpr std::array<std::string_view, 7> efforts{"none", "minimal", "low", "medium",
                                                  "high", "xhigh",   "max"};

std::string read_effort(json::reader effort) {
    std::string_view const word = effort.text_or({});
    if (!effort.is_text()) return {};
    if (std::find(efforts.begin(), efforts.end(), word) == efforts.end())
        effort.complain(
            "must be \"none\", \"minimal\", \"low\", \"medium\", \"high\", \"xhigh\" or \"max\"" +
            it_is(effort));
    return std::string{word};
}

agent::answer_format read_format(json::reader format) {
    using kind = agent::answer_format::kind;
    if (!format.present() || !require_object(format)) return agent::answer_format{};
    json::reader const type = format["type"];
    std::string_view const word = type.text();
    if (word == "json_object") return agent::answer_format{kind::json};
    if (word == "json_schema") {
        json::reader const wrapper = format["json_schema"];
        if (!require_object(wrapper)) return agent::answer_format{};
        std::string_view const name = read_name(wrapper["name"]);
        bool const strict = wrapper["strict"].boolean_or(false);
        json::reader const schema = wrapper["schema"];
        if (!require_object(schema)) return agent::answer_format{};
        return agent::answer_format{kind::schema, boost::json::serialize(*schema.value()),
                                    std::string{name}, strict};
    }
    if (type.is_text() && word != "text")
        type.complain("must be \"text\", \"json_object\" or \"json_schema\"" + it_is(type));
    return agent::answer_format{};
}

void refuse_other_media(json::reader in) {
    for (json::reader const modality : in["modalities"].elements_or_none())
        if (modality.text() != "text")
            modality.complain("must be \"text\": this server answers with nothing else" +
                              it_is(modality));
    refuse_present(in["audio"], ": this server answers with text only");
}

void refuse_probabilities(json::reader in) {
    if (in["logprobs"].boolean_or(false))
        refuse_present(in["logprobs"], ": agents do not tell probabilities of tokens");
    if (in["top_logprobs"].integer_or(0, 0, 20) > 0)
        refuse_present(in["top_logprobs"], ": agents do not tell probabilities of tokens");
    refuse_members(in["logit_bias"], ": agents do not take a bias of tokens");
}

/// The prompt of a completion: one text, bare or in a list of one.
std::string_view read_prompt(json::reader prompt) {
    if (!prompt.is_array()) return prompt.text();
    std::string_view only;
    std::size_t count = 0;
    for (json::reader const one : prompt.elements(1)) {
        if (one.is_number() || one.is_array()) {
            prompt.complain("must be text: lists of tokens are not supported here");
            return {};
        }
        only = one.text();
        ++count;
    }
    if (count > 1)
        prompt.complain(
            "must be one text: this server answers one prompt a request; it is a list of " +
            std::to_string(count));
    return only;
}

void read_input(json::reader input, generation_rules const& allowed,
                std::vector<std::string>& inputs) {
    auto const take = [&](json::reader one) {
        std::string_view const text = read_name(one);
        if (std::size_t const count = count_characters(text); count > allowed.max_prompt_characters)
            one.complain("must have at most " + std::to_string(allowed.max_prompt_characters) +
                         " characters; it has " + std::to_string(count));
        inputs.emplace_back(text);
    };
    if (!input.is_array())
        return input.is_text() ? take(input)
                               : input.complain("must be a string or an array of strings");
    for (json::reader const one : input.elements(1, allowed.max_inputs)) {
        if (one.is_number() || one.is_array()) {
            input.complain("must be text: lists of tokens are not supported here");
            return;
        }
        take(one);
    }
}

} // namespace

result<chat_request> chat_request::from_json(boost::json::value const& document,
                                             generation_rules const& allowed) {
    json::reading pass{document};
    json::reader const in = pass.root();
    chat_request made;
    made.model_ = in["model"].text();
    agent::conversation& ask = made.asked_;
    ask.messages = read_messages(in["messages"], allowed);
    ask.tools = read_tools(in);
    ask.choice = read_tool_choice(in, ask.tools);
    if (in["parallel_tool_calls"].present())
        ask.parallel_tool_calls = in["parallel_tool_calls"].boolean();
    ask.format = read_format(in["response_format"]);
    ask.sampling = read_sampling(in);
    ask.stop = read_stop(in);
    ask.reasoning_effort = read_effort(in["reasoning_effort"]);
    auto const older_limit = read_token_limit(in["max_tokens"], allowed);
    auto const newer_limit = read_token_limit(in["max_completion_tokens"], allowed);
    ask.max_tokens = newer_limit ? newer_limit : older_limit;
    refuse_several(in["n"]);
    refuse_probabilities(in);
    refuse_other_media(in);
    refuse_present(in["prediction"], "");
    refuse_present(in["web_search_options"], ": offer a tool that searches instead");
    refuse_present(in["moderation"], "");
    delivery_wish const wish = read_delivery(in, allowed);
    ask.streamed = wish.streamed;
    made.include_usage_ = wish.include_usage;

    if (auto outcome = pass.outcome(); !outcome) return std::move(outcome).error();
    if (auto named = check_model_name(made.model_, allowed, "/model"); !named)
        return std::move(named).error();
    ask.model = made.model_;
    return made;
}

result<completion_request> completion_request::from_json(boost::json::value const& document,
                                                         generation_rules const& allowed) {
    json::reading pass{document};
    json::reader const in = pass.root();
    completion_request made;
    made.model_ = in["model"].text();
    agent::conversation& ask = made.asked_;
    ask.is_completion = true;
    ask.prompt = read_prompt(in["prompt"]);
    ask.suffix = in["suffix"].text_or({});
    std::size_t const characters = count_characters(ask.prompt) + count_characters(ask.suffix);
    if (characters > allowed.max_prompt_characters)
        in["prompt"].complain("must have, with its suffix, at most " +
                              std::to_string(allowed.max_prompt_characters) +
                              " characters; it has " + std::to_string(characters));
    ask.sampling = read_sampling(in);
    ask.stop = read_stop(in);
    ask.max_tokens = read_token_limit(in["max_tokens"], allowed);
    refuse_several(in["n"]);
    refuse_several(in["best_of"]);
    if (in["echo"].boolean_or(false))
        refuse_present(in["echo"], ": put the prompt before the answer yourself");
    refuse_present(in["logprobs"], ": agents do not tell probabilities of tokens");
    refuse_members(in["logit_bias"], ": agents do not take a bias of tokens");
    delivery_wish const wish = read_delivery(in, allowed);
    ask.streamed = wish.streamed;
    made.include_usage_ = wish.include_usage;

    if (auto outcome = pass.outcome(); !outcome) return std::move(outcome).error();
    if (auto named = check_model_name(made.model_, allowed, "/model"); !named)
        return std::move(named).error();
    ask.model = made.model_;
    return made;
}

result<embedding_request> embedding_request::from_json(boost::json::value const& document,
                                                       generation_rules const& allowed) {
    constexpr std::int64_t most_dimensions = 65'536;
    json::reading pass{document};
    json::reader const in = pass.root();
    embedding_request made;
    made.model_ = in["model"].text();
    made.is_list_ = in["input"].is_array();
    read_input(in["input"], allowed, made.asked_.inputs);
    if (in["dimensions"].present())
        made.asked_.dimensions =
            static_cast<std::uint32_t>(in["dimensions"].integer(1, most_dimensions));
    // A model's vector is of its whole input or of none: OpenAI has no member to cut it.
    made.asked_.truncate = false;
    json::reader const encoding = in["encoding_format"];
    std::string_view const format = encoding.text_or("float");
    if (format != "float" && format != "base64")
        encoding.complain("must be \"float\" or \"base64\"" + it_is(encoding));
    made.as_base64_ = format == "base64";

    if (auto outcome = pass.outcome(); !outcome) return std::move(outcome).error();
    if (auto named = check_model_name(made.model_, allowed, "/model"); !named)
        return std::move(named).error();
    made.asked_.model = made.model_;
    return made;
}

} // namespace mcp_provider::server::openai
