// The server that the conformance suite asks for, made of the library's headers: what it offers is written in the suite.
#include "fixture.hpp"

#include "mcp_provider/mcp/server.hpp"

#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::conformance {

namespace {

using mcp::call;
using mcp::content;
using mcp::question;
using mcp::resource_contents;
using mcp::tool_result;
using answer = asio::awaitable<result<tool_result>>;

/// The smallest image and sound that are one: a dot of red, and no samples.
constexpr std::string_view red_dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z"
                                     "8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
constexpr std::string_view silence = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

constexpr std::string_view no_arguments = R"({"type":"object","properties":{}})";
constexpr std::string_view a_name =
    R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"]})";

mcp::tool simple(std::string name, std::string description) {
    return mcp::tool{std::move(name), std::move(description), std::string{no_arguments}};
}
mcp::tool with_text(std::string name, std::string description, std::string_view argument) {
    std::string schema = R"({"type":"object","properties":{")";
    ((schema += argument) += R"(":{"type":"string"}},"required":[")") += argument;
    schema += R"("]})";
    return mcp::tool{std::move(name), std::move(description), std::move(schema)};
}

asio::awaitable<void> pause(std::chrono::milliseconds time) {
    auto const executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor, time};
    co_await timer.async_wait(asio::use_awaitable);
}

std::string text_at(boost::json::value const& in, std::string_view pointer) {
    boost::json::error_code missing;
    auto const* const found = in.find_pointer({pointer.data(), pointer.size()}, missing);
    if (found == nullptr || !found->is_string()) return {};
    return std::string{found->get_string().data(), found->get_string().size()};
}

std::string prompt_of(std::string_view text, int most) {
    std::string out = R"({"messages":[{"role":"user","content":{"type":"text","text":)";
    json::append_quoted(out, text);
    out += R"(}}],"maxTokens":)";
    json::append_number(out, most);
    return out += '}';
}

// --- tools

void add_content(mcp::server& to) {
    to.add(simple("test_simple_text", "Answers with text"),
           [](call&) { return "This is a simple text response for testing."; });
    to.add(simple("test_image_content", "Answers with an image"),
           [](call&) { return content::image(red_dot, "image/png"); });
    to.add(simple("test_audio_content", "Answers with a sound"),
           [](call&) { return content::audio(silence, "audio/wav"); });
    to.add(simple("test_embedded_resource", "Answers with a resource"), [](call&) {
        return content::embedded(resource_contents::text("test://embedded-resource", "text/plain",
                                                         "This is an embedded resource content."));
    });
    to.add(simple("test_multiple_content_types", "Answers with three kinds of content"), [](call&) {
        tool_result out{"Multiple content types test:"};
        out.add(content::image(red_dot, "image/png"));
        out.add(content::embedded(resource_contents::text("test://mixed-content-resource",
                                                          "application/json",
                                                          R"({"test":"data","value":123})")));
        return out;
    });
    to.add(simple("test_error_handling", "Always fails"), [](call&) {
        return tool_result::failed("This tool intentionally returns an error for testing");
    });
    to.add(mcp::tool{"json_schema_2020_12_tool", "Has a schema of draft 2020-12", R"({
            "$schema":"https://json-schema.org/draft/2020-12/schema",
            "type":"object",
            "$defs":{"address":{"$anchor":"addressDef","type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"}}}},
            "properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},
                          "contactMethod":{"type":"string","enum":["phone","email"]},"phone":{"type":"string"},"email":{"type":"string"}},
            "allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],
            "if":{"properties":{"contactMethod":{"const":"phone"}},"required":["contactMethod"]},
            "then":{"required":["phone"]},
            "else":{"required":["email"]},
            "additionalProperties":false})"},
           [](call& asked) { return json::to_text(asked.arguments()); });
    to.add(
        mcp::tool{
            "test_x_mcp_header", "Repeats an argument in a field",
            R"({"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}})"},
        [](call& asked) { return "region: " + std::string{asked.text("region")}; });
}

void add_telling(mcp::server& to) {
    to.add(simple("test_tool_with_logging", "Logs three times"), [](call& asked) -> answer {
        for (std::string_view const line :
             {"\"Tool execution started\"", "\"Tool processing data\"",
              "\"Tool execution completed\""}) {
            asked.log(mcp::log_level::info, line);
            co_await pause(std::chrono::milliseconds{50});
        }
        co_return tool_result{"Tool with logging executed successfully"};
    });
    to.add(simple("test_logging_tool", "Logs where it may"), [](call& asked) {
        asked.log(mcp::log_level::info, "\"a line\"");
        return "logged";
    });
    to.add(simple("test_tool_with_progress", "Tells how far it is"), [](call& asked) -> answer {
        for (int const done : {0, 50, 100}) {
            asked.progress(done, 100.0, "Completed step " + std::to_string(done) + " of 100");
            co_await pause(std::chrono::milliseconds{50});
        }
        co_return tool_result{asked.wants_progress() ? "with progress" : "without progress"};
    });
    to.add(simple("test_reconnection", "Ends its stream before its answer"),
           [](call& asked) -> answer {
               co_await pause(std::chrono::milliseconds{100});
               asked.hang_up();
               co_await pause(std::chrono::milliseconds{200});
               co_return tool_result{"Reconnection test completed successfully."};
           });
    to.add(simple("test_slow", "Takes ten seconds, and tells of each"), [](call& asked) -> answer {
        for (int done = 0; done != 100; ++done) {
            if (done % 10 == 0) asked.progress(done, 100.0);
            co_await pause(std::chrono::milliseconds{100});
        }
        co_return tool_result{"slow"};
    });
    to.add(simple("test_trigger_tool_change", "Changes the list of tools"), [&to](call&) {
        if (!to.remove_tool("test_appearing"))
            to.add(simple("test_appearing", "Comes and goes"), [](call&) { return "here"; });
        return "changed";
    });
    to.add(simple("test_trigger_prompt_change", "Changes the list of prompts"), [&to](call&) {
        if (!to.remove_prompt("test_appearing"))
            to.add(mcp::prompt{"test_appearing", "Comes and goes"}, [](call&) { return "here"; });
        return "changed";
    });
    to.add(simple("test_trigger_resource_change", "Changes the watched resource"), [&to](call&) {
        to.resource_changed("test://watched-resource");
        return "changed";
    });
}

// --- tools that ask back

answer elicit(call& asked, std::string_view message, std::string_view schema) {
    question one = question::form("answer", message, schema);
    auto const got = co_await asked.ask(std::move(one));
    if (!got) co_return got.error();
    std::string said = "Elicitation completed: action=" + text_at(*got, "/action") + ", content=";
    auto const* const filled = got->as_object().if_contains("content");
    said += filled != nullptr ? json::to_text(*filled) : "{}";
    co_return tool_result{said};
}

void add_asking(mcp::server& to) {
    to.add(with_text("test_sampling", "Asks the model", "prompt"), [](call& asked) -> answer {
        question one = question::sampling("answer", prompt_of(asked.text("prompt"), 100));
        auto const got = co_await asked.ask(std::move(one));
        if (!got) co_return got.error();
        co_return tool_result{"LLM response: " + text_at(*got, "/content/text")};
    });
    to.add(with_text("test_elicitation", "Asks the user", "message"), [](call& asked) -> answer {
        return elicit(asked, asked.text("message"), R"({"type":"object","properties":{
            "username":{"type":"string","description":"User's response"},
            "email":{"type":"string","description":"User's email address"}},"required":["username","email"]})");
    });
    to.add(simple("test_elicitation_sep1034_defaults", "Asks with defaults"),
           [](call& asked) -> answer {
               return elicit(asked, "Please review the defaults", R"({"type":"object","properties":{
            "name":{"type":"string","default":"John Doe"},
            "age":{"type":"integer","default":30},
            "score":{"type":"number","default":95.5},
            "status":{"type":"string","enum":["active","inactive","pending"],"default":"active"},
            "verified":{"type":"boolean","default":true}},"required":[]})");
           });
    to.add(simple("test_elicitation_sep1330_enums", "Asks with every kind of enumeration"),
           [](call& asked) -> answer {
               return elicit(asked, "Please choose", R"({"type":"object","properties":{
            "untitledSingle":{"type":"string","enum":["option1","option2","option3"]},
            "titledSingle":{"type":"string","oneOf":[{"const":"value1","title":"First"},{"const":"value2","title":"Second"},{"const":"value3","title":"Third"}]},
            "legacyEnum":{"type":"string","enum":["opt1","opt2","opt3"],"enumNames":["One","Two","Three"]},
            "untitledMulti":{"type":"array","items":{"type":"string","enum":["option1","option2","option3"]}},
            "titledMulti":{"type":"array","items":{"anyOf":[{"const":"value1","title":"First"},{"const":"value2","title":"Second"},{"const":"value3","title":"Third"}]}}},"required":[]})");
           });
    to.add(simple("test_missing_capability", "Needs a model"), [](call& asked) -> answer {
        question one = question::sampling("answer", prompt_of("anything", 10));
        auto const got = co_await asked.ask(std::move(one));
        if (!got) co_return got.error();
        co_return tool_result{"the client has a model"};
    });
    to.add(simple("test_streaming_elicitation", "Answers at once"),
           [](call&) { return "nothing had to be asked"; });
}

// --- rounds of the modern era

question ask_name() { return question::form("user_name", "What is your name?", a_name); }
question ask_confirmation() {
    return question::form(
        "confirm", "Please confirm",
        R"({"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]})");
}

answer greet(call& asked) {
    question one = ask_name();
    auto const got = co_await asked.ask(std::move(one));
    if (!got) co_return got.error();
    co_return tool_result{"Hello, " + text_at(*got, "/content/name") + "!"};
}
answer confirm(call& asked) {
    asked.keep("round 1");
    question one = ask_confirmation();
    auto const got = co_await asked.ask(std::move(one));
    if (!got) co_return got.error();
    co_return tool_result{asked.kept() == "round 1" ? "state-ok" : "state-lost"};
}
answer ask_three(call& asked) {
    std::vector<question> all;
    all.push_back(ask_name());
    all.push_back(question::sampling("greeting", prompt_of("Generate a greeting", 50)));
    all.push_back(question::roots("client_roots"));
    auto const got = co_await asked.ask(std::move(all));
    if (!got) co_return got.error();
    co_return tool_result{text_at(got->find("greeting")->second, "/content/text") + ' ' +
                          text_at(got->find("user_name")->second, "/content/name") + ", " +
                          text_at(got->find("client_roots")->second, "/roots/0/uri")};
}
answer ask_twice(call& asked) {
    question first = question::form("step1", "Step 1: What is your name?", a_name);
    auto const name = co_await asked.ask(std::move(first));
    if (!name) co_return name.error();
    question second = question::form(
        "step2", "Step 2: What is your favorite color?",
        R"({"type":"object","properties":{"color":{"type":"string"}},"required":["color"]})");
    auto const color = co_await asked.ask(std::move(second));
    if (!color) co_return color.error();
    co_return tool_result{text_at(*name, "/content/name") + " likes " +
                          text_at(*color, "/content/color")};
}

void add_rounds(mcp::server& to) {
    std::string const prefix = "test_input_required_result_";
    to.add(simple(prefix + "elicitation", "Asks for a name"), greet);
    to.add(simple(prefix + "sampling", "Asks the model"), [](call& asked) -> answer {
        question one = question::sampling("capital_question",
                                          prompt_of("What is the capital of France?", 100));
        auto const got = co_await asked.ask(std::move(one));
        if (!got) co_return got.error();
        co_return tool_result{text_at(*got, "/content/text")};
    });
    to.add(simple(prefix + "list_roots", "Asks for folders"), [](call& asked) -> answer {
        question one = question::roots("client_roots");
        auto const got = co_await asked.ask(std::move(one));
        if (!got) co_return got.error();
        co_return tool_result{text_at(*got, "/roots/0/uri")};
    });
    to.add(simple(prefix + "request_state", "Keeps a state"), confirm);
    to.add(simple(prefix + "tampered_state", "Keeps a state"), confirm);
    to.add(simple(prefix + "multiple_inputs", "Asks three things"), ask_three);
    to.add(simple(prefix + "multi_round", "Asks twice"), ask_twice);
    to.add(simple(prefix + "capabilities", "Asks what can be asked"), [](call& asked) -> answer {
        std::vector<question> all;
        if (asked.from().can.elicitation_form) all.push_back(ask_name());
        if (asked.from().can.sampling)
            all.push_back(question::sampling("greeting", prompt_of("Generate a greeting", 50)));
        if (asked.from().can.roots) all.push_back(question::roots("client_roots"));
        auto const got = co_await asked.ask(std::move(all));
        if (!got) co_return got.error();
        co_return tool_result{std::to_string(got->size()) + " answers"};
    });
    to.add(
        mcp::prompt{prefix + "prompt", "Asks for its context"},
        [](call& asked) -> asio::awaitable<result<mcp::prompt_result>> {
            question one = question::form(
                "user_context", "What context should the prompt use?",
                R"({"type":"object","properties":{"context":{"type":"string"}},"required":["context"]})");
            auto const got = co_await asked.ask(std::move(one));
            if (!got) co_return got.error();
            co_return mcp::prompt_result{"In the context of " + text_at(*got, "/content/context")};
        });
}

// --- resources, prompts, completion

void add_resources(mcp::server& to) {
    to.add(mcp::resource{"test://static-text", "Static text", "A text that never changes",
                         "text/plain"},
           [](call& asked) {
               return resource_contents::text(asked.name(), "text/plain",
                                              "This is the content of the static text resource.");
           });
    to.add(mcp::resource{"test://static-binary", "Static image", "An image that never changes",
                         "image/png"},
           [](call& asked) {
               return resource_contents::bytes(asked.name(), "image/png",
                                               *crypto::base64_decode(red_dot));
           });
    to.add(
        mcp::resource{"test://watched-resource", "Watched", "Can be subscribed to", "text/plain"},
        [](call& asked) {
            return resource_contents::text(asked.name(), "text/plain", "Watched resource content");
        });
    to.add(mcp::resource{"test://template/{id}/data", "Template", "Data by id", "application/json"},
           [](call& asked) {
               std::string text = R"({"id":)";
               json::append_quoted(text, asked.variable("id"));
               text += R"(,"templateTest":true,"data":)";
               json::append_quoted(text, "Data for ID: " + std::string{asked.variable("id")});
               text += '}';
               return resource_contents::text(asked.name(), "application/json", text);
           });
}

void add_prompts(mcp::server& to) {
    to.add(mcp::prompt{"test_simple_prompt", "A simple prompt"},
           [](call&) { return "This is a simple prompt for testing."; });
    to.add(mcp::prompt{"test_prompt_with_arguments", "A prompt with arguments"}
               .taking("arg1", "First test argument")
               .taking("arg2", "Second test argument"),
           [](call& asked) {
               return "Prompt with arguments: arg1='" + std::string{asked.text("arg1")} +
                      "', arg2='" + std::string{asked.text("arg2")} + "'";
           });
    to.add(mcp::prompt{"test_prompt_with_embedded_resource", "A prompt with a resource"}.taking(
               "resourceUri", "URI of the resource to embed"),
           [](call& asked) {
               mcp::prompt_result out;
               out.user(content::embedded(
                   resource_contents::text(asked.text("resourceUri"), "text/plain",
                                           "Embedded resource content for testing.")));
               out.user(content::text("Please process the embedded resource above."));
               return out;
           });
    to.add(mcp::prompt{"test_prompt_with_image", "A prompt with an image"}, [](call&) {
        mcp::prompt_result out;
        out.user(content::image(red_dot, "image/png"));
        out.user(content::text("Please analyze the image above."));
        return out;
    });
    to.complete("test_prompt_with_arguments", "arg1", [](call& asked) {
        std::vector<std::string> out;
        for (std::string_view const one : {"paris", "park", "party"})
            if (one.starts_with(asked.text("value"))) out.emplace_back(one);
        return out;
    });
}

} // namespace

void offer_everything(mcp::server& to) {
    to.set_instructions("A server for conformance tests.");
    add_content(to);
    add_telling(to);
    add_asking(to);
    add_rounds(to);
    add_resources(to);
    add_prompts(to);
}

} // namespace mcp_provider::conformance
