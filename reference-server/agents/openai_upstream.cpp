#include "agents/openai_upstream.hpp"

#include "agents/openai_body.hpp"
#include "agents/openai_errors.hpp"
#include "agents/openai_stream.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/net/http_call.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

namespace ag = mcp_provider::agent;
namespace bj = boost::json;

namespace {

constexpr std::size_t max_embeddings_bytes = 128 * 1024 * 1024;

rejection no_embeddings(std::string_view why) {
    return rejection{rejection_code::upstream_failed,
                     "the upstream's embeddings are not as they should be: " + std::string{why}};
}

/// Little-endian float32 in base64 (contract model-apis §4.5).
bool read_base64(std::string_view text, std::vector<float>& into) {
    static_assert(std::endian::native == std::endian::little && sizeof(float) == 4);
    auto const bytes = crypto::base64_decode(text);
    if (!bytes || bytes->size() % sizeof(float) != 0) return false;
    into.resize(bytes->size() / sizeof(float));
    std::memcpy(into.data(), bytes->data(), bytes->size());
    return true;
}

bool read_vector(bj::value const& from, std::vector<float>& into) {
    if (from.is_string())
        return read_base64({from.get_string().data(), from.get_string().size()}, into);
    if (!from.is_array()) return false;
    into.reserve(from.get_array().size());
    for (bj::value const& one : from.get_array()) {
        if (!one.is_number()) return false;
        into.push_back(static_cast<float>(one.to_number<double>()));
    }
    return true;
}

result<ag::embeddings> read_embeddings(std::string_view json, std::size_t wanted) {
    json::parse_limits limits;
    limits.max_bytes = max_embeddings_bytes;
    auto const parsed = json::parse(json, limits);
    bj::value const* const data =
        parsed && parsed->is_object() ? parsed->get_object().if_contains("data") : nullptr;
    if (data == nullptr || !data->is_array()) return no_embeddings("there is no list of them");
    if (data->get_array().size() != wanted) return no_embeddings("there are not as many as texts");
    ag::embeddings answer;
    answer.vectors.resize(wanted);
    std::size_t at = 0;
    for (bj::value const& one : data->get_array()) {
        bj::value const* const vector =
            one.is_object() ? one.get_object().if_contains("embedding") : nullptr;
        bj::value const* const index =
            one.is_object() ? one.get_object().if_contains("index") : nullptr;
        std::size_t place = at++;
        if (index != nullptr && index->is_int64())
            place = static_cast<std::size_t>(index->get_int64());
        if (place >= wanted || !answer.vectors[place].empty())
            return no_embeddings("their indexes are wrong");
        if (vector == nullptr || !read_vector(*vector, answer.vectors[place]))
            return no_embeddings("one is no list of numbers");
    }
    bj::value const* const used = parsed->get_object().if_contains("usage");
    bj::value const* const tokens = used != nullptr && used->is_object()
                                        ? used->get_object().if_contains("prompt_tokens")
                                        : nullptr;
    if (tokens != nullptr && tokens->is_int64() && tokens->get_int64() > 0)
        answer.prompt_tokens = static_cast<std::uint64_t>(tokens->get_int64());
    return answer;
}

} // namespace

openai_upstream::openai_upstream(openai_settings settings)
    : to_{std::make_shared<openai_endpoint const>(std::move(settings))},
      models_{std::make_shared<openai_models>(to_)} {}

asio::awaitable<result<std::unique_ptr<ag::delta_stream>>>
openai_upstream::generate(ag::conversation const& ask, audited const&) {
    auto const model = models_->upstream_name(ask.model);
    if (!model) co_return model.error();
    auto stream = std::make_unique<openai_stream>(to_);
    std::string const body = openai_body(ask, *model, to_->kind());
    auto const begun =
        co_await stream->begin(ask.is_completion ? to_->completions() : to_->chat(), body);
    if (!begun) co_return begun.error();
    std::unique_ptr<ag::delta_stream> answer = std::move(stream);
    co_return answer;
}

asio::awaitable<result<ag::embeddings>> openai_upstream::embed(ag::embedding_request const& ask,
                                                               audited const&) {
    auto const model = models_->upstream_name(ask.model);
    if (!model) co_return model.error();
    if (ask.inputs.empty()) co_return ag::embeddings{};
    auto const until = std::chrono::steady_clock::now() + to_->settings().request_time;
    std::string const body = openai_embedding_body(ask, *model);
    net::http_call call{to_->client()};
    auto sent = co_await call.send(to_->embeddings(), body, until);
    if (!sent) co_return with_advice(std::move(sent).error());
    auto const status = call.head().status;
    std::string const retry_after{call.head().field("Retry-After").value_or("")};
    auto const answer = co_await call.read_all(max_embeddings_bytes, until);
    if (!answer) co_return answer.error();
    if (status != 200)
        co_return upstream_rejection(status, *answer, retry_after, to_->settings().key.reveal());
    co_return read_embeddings(*answer, ask.inputs.size());
}

} // namespace mcp_provider::server::agents
