// JSON-RPC messages: whatever the bytes, a message is read or refused with a code, and what is read is written back the same.
#include "expect.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/rpc.hpp"

#include <boost/json/serialize.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace json = mcp_provider::json;
namespace rpc = mcp_provider::rpc;

namespace {

std::string text_of(boost::json::value const* value) {
    return value != nullptr ? boost::json::serialize(*value) : std::string{};
}

std::string written(rpc::message const& one, rpc::version_member version) {
    std::string out;
    switch (one.kind()) {
    case rpc::kind::request:
        rpc::append_request(out, one.id(), one.method(), text_of(one.params()), version);
        break;
    case rpc::kind::notification:
        rpc::append_notification(out, one.method(), text_of(one.params()), version);
        break;
    case rpc::kind::response:
        rpc::append_result(out, one.id(), text_of(one.result()), version);
        break;
    case rpc::kind::error:
        rpc::append_error(out, one.id(), one.error_code(), one.error_message(),
                          text_of(one.error_data()), version);
        break;
    }
    return out;
}

void check(boost::json::value const& document, rpc::version_member version) {
    auto const message = rpc::read(document, version);
    if (!message) {
        expect(rpc::code_of(message.error()) == rpc::invalid_request, "a refusal has its code");
        expect(!message.error().message().empty(), "a refusal says why");
        return;
    }
    expect(message->is_request() != message->id().is_null() || message->is_answer(),
           "a request has an id, a notification none");
    expect(message->is_answer() == message->method().empty(), "a call has a method");
    std::string const text = written(*message, version);
    expect(text.find('\n') == std::string::npos, "a message is one line");
    // A number beyond every double is read as infinite, which no JSON text can say (Boost.JSON: `Infinity` or `1e99999`).
    if (text.find("Infinity") != std::string::npos || text.find("1e99999") != std::string::npos)
        return;
    auto const again = json::parse(text);
    expect(again.has_value(), "what is written is JSON");
    auto const second = rpc::read(*again, version);
    expect(second.has_value(), "what is written is a message");
    expect(written(*second, version) == text, "what is written is read back");
    expect(second->id() == message->id(), "an id is kept");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
    auto const document = json::parse({reinterpret_cast<char const*>(bytes), size});
    if (!document) {
        expect(rpc::code_of(document.error()) == rpc::parse_error, "what is no JSON has its code");
        return 0;
    }
    check(*document, rpc::version_member::required);
    check(*document, rpc::version_member::left_out);
    if (auto const* const batch = document->if_array())
        for (boost::json::value const& one : *batch) check(one, rpc::version_member::required);
    return 0;
}
