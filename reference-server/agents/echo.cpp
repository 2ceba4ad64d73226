#include "agents/echo.hpp"

#include "agents/echo_script.hpp"
#include "agents/words.hpp"
#include "mcp_provider/core/rejection.hpp"

#include <asio/error.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

namespace ag = mcp_provider::agent;

namespace {

constexpr std::string_view chat_model = "echo:latest";
constexpr std::string_view embedding_model = "echo-embed:latest";
constexpr std::uint64_t context_words = 131'072;
constexpr std::uint64_t embedding_context_words = 8'192;
constexpr std::uint32_t embedding_length = 384;
constexpr std::uint32_t max_embedding_length = 4'096;
constexpr std::chrono::microseconds count_pace{5'000}; // 200 a second

/// Plays a script. Only counting takes time, so that everything else is ready at once.
class performance final : public ag::delta_stream {
public:
    performance(echo_script script, std::uint64_t prompt_tokens, bool in_words)
        : script_{std::move(script)}, in_words_{in_words} {
        used_.prompt_tokens = prompt_tokens;
    }

    [[nodiscard]] bool ready() const noexcept override {
        return !opened_ || script_.how != echo_script::kind::count || number_ == 0 || counted() ||
               std::chrono::steady_clock::now() >= due_;
    }

    [[nodiscard]] std::optional<result<ag::delta>> take() override {
        ag::delta out;
        if (!std::exchange(opened_, true)) return out;
        switch (script_.how) {
        case echo_script::kind::text:
            if (at_ != script_.text.size()) return say();
            break;
        case echo_script::kind::fail_midway:
            if (at_ != script_.text.size()) return say();
            return rejection{rejection_code::upstream_failed,
                             "echo failed, as it was asked to (\"Fail midway\")"};
        case echo_script::kind::calls:
            if (at_ != script_.calls.size()) return call();
            break;
        case echo_script::kind::count:
            if (counted()) break;
            if (number_ == 0)
                due_ = std::chrono::steady_clock::now();
            else if (std::chrono::steady_clock::now() < due_)
                return std::nullopt;
            return count();
        }
        out.what = ag::delta::kind::finished;
        out.reason = script_.reason;
        out.used = used_;
        return out;
    }

    [[nodiscard]] asio::awaitable<result<ag::delta>> next() override {
        if (auto piece = take()) co_return *std::move(piece);
        asio::steady_timer timer{co_await asio::this_coro::executor, due_};
        std::error_code stopped;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, stopped));
        if (stopped) co_return rejection{rejection_code::client_closed, "the answer was cancelled"};
        co_return count();
    }

private:
    [[nodiscard]] bool counted() const noexcept {
        return number_ == script_.count_to || counted_bytes_ >= script_.count_bytes;
    }

    ag::delta say() {
        std::string_view const rest = std::string_view{script_.text}.substr(at_);
        std::size_t const size = in_words_ ? size_of_words(rest, 1) : rest.size();
        at_ += size;
        ag::delta out;
        out.what = ag::delta::kind::text;
        out.text = rest.substr(0, size);
        used_.completion_tokens += count_words(out.text);
        return out;
    }

    ag::delta count() {
        ++number_;
        due_ += count_pace;
        piece_.assign(number_ == 1 ? "" : " ");
        piece_ += std::to_string(number_);
        if (piece_.size() > script_.count_bytes - counted_bytes_)
            piece_.resize(static_cast<std::size_t>(script_.count_bytes - counted_bytes_));
        counted_bytes_ += piece_.size();
        used_.completion_tokens += count_words(piece_);
        ag::delta out;
        out.what = ag::delta::kind::text;
        out.text = piece_;
        return out;
    }

    // A call comes in three pieces, as from a model that streams: its name, then its arguments in two.
    ag::delta call() {
        ag::tool_call const& one = script_.calls[at_];
        ag::delta out;
        out.what = ag::delta::kind::tool_call;
        out.index = static_cast<std::uint32_t>(at_);
        std::string_view const arguments = one.arguments;
        std::size_t const colon = arguments.find(": ");
        std::size_t const middle = colon == std::string_view::npos ? arguments.size() : colon + 2;
        switch (piece_of_call_++) {
        case 0:
            out.id = one.id;
            out.name = one.name;
            used_.completion_tokens += 1 + count_words(arguments);
            return out;
        case 1: out.text = arguments.substr(0, middle); break;
        default: out.text = arguments.substr(middle); break;
        }
        if (piece_of_call_ == 3 || middle == arguments.size()) {
            piece_of_call_ = 0;
            ++at_;
        }
        return out;
    }

    echo_script script_;
    std::string piece_;
    std::chrono::steady_clock::time_point due_;
    ag::usage used_;
    std::size_t at_ = 0; // in the text, or among the calls
    std::uint64_t number_ = 0;
    std::uint64_t counted_bytes_ = 0;
    std::uint8_t piece_of_call_ = 0;
    bool opened_ = false;
    bool in_words_;
};

bool is_named(std::string_view name, std::string_view model) noexcept {
    return name == model || name == model.substr(0, model.find(':'));
}

std::optional<rejection> refuse_model(std::string_view name, std::string_view wanted,
                                      std::string_view ability) {
    if (is_named(name, wanted)) return std::nullopt;
    if (is_named(name, chat_model) || is_named(name, embedding_model))
        return rejection{rejection_code::bad_request,
                         '"' + std::string{name} + "\" does not support " + std::string{ability}}
            .because("unsupported_by_model");
    return rejection{rejection_code::not_found, "model '" + std::string{name} + "' not found"}
        .because("model_not_found");
}

std::uint64_t mixed(std::uint64_t x) noexcept { // the finaliser of splitmix64
    x ^= x >> 30U;
    x *= 0xbf58476d1ce4e5b9U;
    x ^= x >> 27U;
    x *= 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
}

/// A unit vector: the sum of a direction for each word, so that texts with words in common are near to each other.
std::vector<float> embedded(std::string_view text, std::uint32_t dimensions) {
    std::vector<float> vector(dimensions, 0.0F);
    constexpr std::uint64_t start = 0xcbf29ce484222325U;
    std::uint64_t hash = start;
    auto const end_word = [&] {
        if (hash == start) return;
        std::uint64_t random = mixed(hash);
        for (int i = 0; i < 16; ++i) {
            vector[(random >> 1U) % dimensions] += (random & 1U) != 0 ? 1.0F : -1.0F;
            random = mixed(random + 0x9e3779b97f4a7c15U);
        }
        hash = start;
    };
    for (char c : text) {
        if (is_space(c)) {
            end_word();
            continue;
        }
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    }
    end_word();
    double square = 0;
    for (float const x : vector) square += static_cast<double>(x) * static_cast<double>(x);
    if (square == 0) {
        vector[0] = 1.0F;
        return vector;
    }
    auto const scale = static_cast<float>(1.0 / std::sqrt(square));
    for (float& x : vector) x *= scale;
    return vector;
}

} // namespace

echo::echo() {
    using namespace ag::capability;
    auto list = std::make_shared<std::vector<ag::model>>();
    auto const made =
        std::chrono::system_clock::time_point{std::chrono::seconds{1'767'225'600}}; // 2026-01-01
    list->emplace_back(std::string{chat_model},
                       static_cast<std::uint8_t>(completion | tools | insert), context_words,
                       "echo");
    list->back().modified = made;
    list->emplace_back(std::string{embedding_model}, embedding, embedding_context_words, "echo");
    list->back().embedding_length = embedding_length;
    list->back().modified = made;
    models_ = std::move(list);
}

asio::awaitable<result<std::unique_ptr<ag::delta_stream>>>
echo::generate(ag::conversation const& ask, audited const&) {
    if (auto refused = refuse_model(ask.model, chat_model, ask.is_completion ? "generate" : "chat"))
        co_return *std::move(refused);
    auto script = write_script(ask);
    if (!script) co_return std::move(script).error();
    std::unique_ptr<ag::delta_stream> stream =
        std::make_unique<performance>(*std::move(script), count_prompt_words(ask), ask.streamed);
    co_return stream;
}

asio::awaitable<result<ag::embeddings>> echo::embed(ag::embedding_request const& ask,
                                                    audited const&) {
    if (auto refused = refuse_model(ask.model, embedding_model, "embeddings"))
        co_return *std::move(refused);
    std::uint32_t const dimensions = ask.dimensions == 0 ? embedding_length : ask.dimensions;
    if (dimensions > max_embedding_length)
        co_return rejection{rejection_code::bad_request,
                            "dimensions must be 1 to " + std::to_string(max_embedding_length)}
            .because("invalid_value")
            .at("/dimensions");
    ag::embeddings answer;
    answer.vectors.reserve(ask.inputs.size());
    for (std::string const& input : ask.inputs) {
        std::string_view text = input;
        std::uint64_t words = count_words(text);
        if (words > embedding_context_words) {
            if (!ask.truncate)
                co_return rejection{rejection_code::bad_request,
                                    "the input length exceeds the context length"}
                    .because("context_length_exceeded");
            text = text.substr(0, size_of_words(text, embedding_context_words));
            words = embedding_context_words;
        }
        answer.vectors.push_back(embedded(text, dimensions));
        answer.prompt_tokens += words;
    }
    co_return answer;
}

} // namespace mcp_provider::server::agents
