#include "agents/mcp_sampling.hpp"

#include "mcp_provider/json/reader.hpp"
#include "mcp_provider/json/write.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mcp_provider::server::agents {

namespace ag = mcp_provider::agent;

namespace {

constexpr std::int64_t usual_max_tokens = 4096; // the protocol demands a number
constexpr std::string_view key_of_argument = "seconds";

void append_turn(std::string& out, std::string_view role, std::string_view text) {
    if (out.back() != '[') out += ',';
    out += R"({"role":)";
    json::append_quoted(out, role);
    out += R"(,"content":{"type":"text","text":)";
    json::append_quoted(out, text);
    out += "}}";
}

/// Only users and assistants speak here: what a tool of an earlier model said becomes a user's text.
void append_turn(std::string& out, ag::message const& one) {
    if (one.from == ag::role::tool) {
        append_turn(out, "user", "[result of a tool]\n" + one.text);
        return;
    }
    std::string text = one.text;
    for (ag::tool_call const& call : one.tool_calls)
        text += (text.empty() ? "[calls " : "\n[calls ") + call.name + ' ' + call.arguments + ']';
    append_turn(out, one.from == ag::role::assistant ? "assistant" : "user", text);
}

} // namespace

std::string sampling_params(ag::conversation const& ask, std::string_view id) {
    std::string out = R"({"messages":[)";
    std::string system;
    if (ask.is_completion) {
        system = "Continue the text of the user. Answer with the continuation only.";
        append_turn(out, "user", ask.prompt);
    }
    for (ag::message const& one : ask.messages) {
        if (one.from == ag::role::system)
            (system += system.empty() ? "" : "\n\n") += one.text;
        else
            append_turn(out, one);
    }
    out += R"(],"maxTokens":)";
    json::append_number(out, ask.max_tokens.value_or(usual_max_tokens));
    if (!system.empty()) {
        out += R"(,"systemPrompt":)";
        json::append_quoted(out, system);
    }
    if (!ask.stop.empty()) {
        out += R"(,"stopSequences":[)";
        for (std::string const& one : ask.stop) {
            if (out.back() != '[') out += ',';
            json::append_quoted(out, one);
        }
        out += ']';
    }
    if (!id.empty()) {
        out += R"(,"modelPreferences":{"hints":[{"name":)";
        json::append_quoted(out, id);
        out += "}]}";
    }
    out += '}';
    return out;
}

result<std::pair<std::string, ag::finish_reason>> sampled_text(boost::json::value const& answer) {
    json::reading pass{answer};
    json::reader const in = pass.root();
    std::string text;
    auto const add = [&](json::reader block) {
        if (block["type"].text() == "text") text += block["text"].text();
    };
    if (in["content"].is_array())
        for (json::reader const one : in["content"].elements()) add(one);
    else
        add(in["content"]);
    std::string_view const why = in["stopReason"].text_or("endTurn");
    if (!pass.ok() || text.empty())
        return rejection{rejection_code::upstream_failed,
                         "the client's model has answered without a text"};
    return std::pair{std::move(text),
                     why == "maxTokens" ? ag::finish_reason::length : ag::finish_reason::stop};
}

namespace {

/// Hands an answer, or why there is none, to the client that waits for it.
bool deliver(prompt_queue& queue, std::string const& id, result<boost::json::value> const& answer) {
    if (!answer) {
        (void)queue.fail(id, answer.error().message());
        return false;
    }
    auto const said = sampled_text(*answer);
    if (!said) {
        (void)queue.fail(id, said.error().message());
        return false;
    }
    return queue.submit(id, said->first, said->second) == delivery_verdict::accepted;
}

mcp::tool_result summary(std::size_t served) {
    std::string json = R"({"status":"idle","served":)";
    json::append_number(json, served);
    json += '}';
    return mcp::tool_result{"Prompts answered: " + std::to_string(served) +
                            ". Call serve_prompts again to go on."}
        .with_structured(std::move(json));
}

/// Returns a prompt to the queue where the call ends without an answer for it; a round of input is no end.
class held_prompt {
public:
    held_prompt(std::shared_ptr<prompt_queue> of, std::string id)
        : queue_{std::move(of)}, id_{std::move(id)} {}
    held_prompt(held_prompt const&) = delete;
    held_prompt& operator=(held_prompt const&) = delete;
    ~held_prompt() {
        if (!is_done_) queue_->give_back(id_, std::chrono::steady_clock::now());
    }
    void done() noexcept { is_done_ = true; }

private:
    std::shared_ptr<prompt_queue> queue_;
    std::string id_;
    bool is_done_ = false;
};

asio::awaitable<result<mcp::tool_result>> serve(mcp::call& asked,
                                                std::shared_ptr<prompt_queue> queue) {
    bool const is_modern = mcp::is_modern(asked.from().spoken);
    auto const probe = mcp::question::sampling({}, {});
    if (auto const missing = probe.missing_in(asked.from().can); !missing.empty())
        co_return rejection{rejection_code::not_implemented,
                            "this needs a client that lets servers ask its model (sampling)"}
            .because("missing_capability")
            .at(std::string{missing});

    host_patience const patience;
    steady_time const until = patience.until(asked, key_of_argument);
    std::size_t served = 0;
    // A modern client comes back with the answer to the prompt that it was given in the round before.
    std::optional<given_prompt> given;
    if (std::string const id = asked.kept(); is_modern && !id.empty()) {
        if (boost::json::value const* const answer = asked.answer(id)) {
            served += deliver(*queue, id, *answer) ? 1 : 0;
        } else if (auto text = queue->text_of(id)) {
            given.emplace();
            given->id = id;
            given->text = std::move(text);
        }
        asked.keep({});
    }
    for (;;) {
        if (!given) given = co_await wait_for_prompt(asked, queue, until, patience.progress_every);
        if (!given) co_return summary(served);
        held_prompt held{queue, given->id};
        auto question = mcp::question::sampling(given->id, *given->text);
        asked.keep(given->id);
        if (is_modern) held.done(); // the client takes it along, and the lease says for how long
        auto answer = co_await asked.ask(std::move(question));
        held.done();
        asked.keep({});
        served += deliver(*queue, given->id, answer) ? 1 : 0;
        given.reset();
    }
}

} // namespace

void add_sampling_tool(mcp::server& to, std::shared_ptr<prompt_queue> queue) {
    mcp::tool one{"serve_prompts",
                  "Lets local programs ask the model of this client: while this call runs, their "
                  "prompts come as sampling requests. Call it again when it returns.",
                  R"({"type":"object","properties":{"seconds":{"type":"number","default":25,)"
                  R"("description":"How long to wait for a next prompt, from 0 to 50 seconds"}}})"};
    one.title = "Serve prompts";
    one.output_schema = R"({"type":"object","required":["status","served"],"properties":{)"
                        R"("status":{"const":"idle"},"served":{"type":"integer"}}})";
    one.annotations = R"({"readOnlyHint":false,"destructiveHint":false,"openWorldHint":false})";
    to.add(std::move(one), [queue](mcp::call& asked) { return serve(asked, queue); });
    to.set_instructions(
        "Programs on this computer ask their questions to a local model API; the model of this "
        "client answers them by sampling. Call serve_prompts in a loop: prompts come while it "
        "runs. It needs a client that offers sampling.");
}

} // namespace mcp_provider::server::agents
