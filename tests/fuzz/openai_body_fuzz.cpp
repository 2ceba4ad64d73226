// Bodies of the OpenAI dialect: whatever the bytes, each request is read or refused, and what is read keeps its limits.
#include "dialect/rules.hpp"
#include "mcp_provider/json/parse.hpp"
#include "openai/wire.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace mcp_provider;
using namespace mcp_provider::server;

void require(bool holds) {
    if (!holds) std::abort();
}

void check_sampling(agent::conversation const& asked, generation_rules const& rules) {
    agent::sampling const& chosen = asked.sampling;
    require(!chosen.temperature || (*chosen.temperature >= 0 && *chosen.temperature <= 2));
    require(!chosen.top_p || (*chosen.top_p >= 0 && *chosen.top_p <= 1));
    require(!asked.max_tokens || (*asked.max_tokens >= 1 && *asked.max_tokens <= rules.max_tokens));
    for (std::string const& stop : asked.stop) require(!stop.empty());
}

void check(openai::chat_request const& request, generation_rules const& rules) {
    agent::conversation const& asked = request.asked();
    require(!request.model().empty() && !asked.is_completion);
    require(!asked.messages.empty() && asked.messages.size() <= rules.max_messages);
    check_sampling(asked, rules);
    for (agent::tool const& tool : asked.tools) {
        require(!tool.name.empty());
        auto const schema = json::parse(tool.parameters.empty() ? "{}" : tool.parameters);
        require(schema && schema->is_object());
    }
    for (agent::message const& one : asked.messages) {
        for (agent::tool_call const& call : one.tool_calls)
            require(!call.id.empty() && !call.name.empty());
        for (agent::image const& image : one.images) require(!image.base64.empty());
        require(one.from != agent::role::tool || !one.tool_call_id.empty());
    }
}

void check(openai::completion_request const& request, generation_rules const& rules) {
    agent::conversation const& asked = request.asked();
    require(!request.model().empty() && asked.is_completion);
    require(count_characters(asked.prompt) + count_characters(asked.suffix) <=
            rules.max_prompt_characters);
    check_sampling(asked, rules);
}

void check(openai::embedding_request const& request, generation_rules const& rules) {
    require(!request.model().empty());
    require(!request.asked().inputs.empty() && request.asked().inputs.size() <= rules.max_inputs);
    for (std::string const& input : request.asked().inputs)
        require(!input.empty() && count_characters(input) <= rules.max_prompt_characters);
}

template <class Request>
void read(boost::json::value const& document, generation_rules const& rules) {
    auto const request = Request::from_json(document, rules);
    if (!request) {
        require(request.error().status() == 400 && !request.error().message().empty());
        return;
    }
    check(*request, rules);
    request->for_each_text(
        [](std::string_view at, std::string_view) { require(at.starts_with('/')); });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
    static generation_rules const rules;
    auto const document = json::parse({reinterpret_cast<char const*>(bytes), size});
    if (!document) return 0;
    read<openai::chat_request>(*document, rules);
    read<openai::completion_request>(*document, rules);
    read<openai::embedding_request>(*document, rules);
    return 0;
}
