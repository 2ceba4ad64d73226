#include "agents/openai_models.hpp"

#include "agents/openai_errors.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/net/http_call.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

namespace {

namespace bj = boost::json;

constexpr std::size_t max_list_bytes = 8 * 1024 * 1024;
constexpr std::size_t max_models = 10'000;
constexpr std::size_t max_name_bytes = 256;
constexpr std::chrono::milliseconds first_retry{1'000};

bj::value const* member(bj::object const& in, std::string_view name) {
    return in.if_contains({name.data(), name.size()});
}

std::uint64_t number(bj::object const& in, std::string_view name) {
    bj::value const* const found = member(in, name);
    if (found == nullptr || !found->is_int64() || found->get_int64() < 0) return 0;
    return static_cast<std::uint64_t>(found->get_int64());
}

std::string_view text(bj::object const& in, std::string_view name) {
    bj::value const* const found = member(in, name);
    if (found == nullptr || !found->is_string()) return {};
    return {found->get_string().data(), found->get_string().size()};
}

/// What an API that lists nothing but names leaves to be guessed.
std::uint8_t abilities_of(std::string_view name, openai_settings const& settings) {
    using namespace agent::capability;
    constexpr std::string_view embed = "embed";
    for (std::size_t at = 0; at + embed.size() <= name.size(); ++at)
        if (http::equals_ignoring_case(name.substr(at, embed.size()), embed)) return embedding;
    return static_cast<std::uint8_t>(completion | tools | vision | effort |
                                     (settings.offers_insert ? insert : 0));
}

agent::model made_model(std::string name, openai_settings const& settings) {
    std::uint8_t const can = abilities_of(name, settings);
    return agent::model{std::move(name), can, settings.context_tokens, "openai"};
}

bool is_offered(std::string_view name, openai_settings const& settings) {
    return settings.models.empty() ||
           std::find(settings.models.begin(), settings.models.end(), name) != settings.models.end();
}

} // namespace

result<std::vector<agent::model>> read_models(std::string_view json,
                                              openai_settings const& settings) {
    auto const parsed = json::parse(json);
    bj::value const* const data =
        parsed && parsed->is_object() ? member(parsed->get_object(), "data") : nullptr;
    if (data == nullptr || !data->is_array())
        return rejection{rejection_code::upstream_failed,
                         "the upstream's list of models is not one"};
    std::vector<agent::model> list;
    for (bj::value const& one : data->get_array()) {
        if (!one.is_object() || list.size() == max_models) continue;
        bj::object const& entry = one.get_object();
        std::string_view const name = text(entry, "id");
        if (name.empty() || name.size() > max_name_bytes || !is_offered(name, settings)) continue;
        list.push_back(made_model(std::string{name}, settings));
        agent::model& made = list.back();
        if (std::string_view const owner = text(entry, "owned_by"); !owner.empty())
            made.family = owner;
        // vLLM and OpenRouter say it in the entry, llama.cpp in `meta`.
        std::uint64_t context =
            std::max(number(entry, "max_model_len"), number(entry, "context_length"));
        if (bj::value const* const meta = member(entry, "meta");
            meta != nullptr && meta->is_object()) {
            if (context == 0) context = number(meta->get_object(), "n_ctx_train");
            made.embedding_length = static_cast<std::uint32_t>(
                made.has(agent::capability::embedding) ? number(meta->get_object(), "n_embd") : 0);
        }
        if (context != 0) made.context_tokens = context;
        made.modified = std::chrono::system_clock::time_point{
            std::chrono::seconds{number(entry, "created") % 100'000'000'000U}};
    }
    return list;
}

openai_models::openai_models(std::shared_ptr<openai_endpoint const> of) : of_{std::move(of)} {
    std::vector<agent::model> configured;
    for (std::string const& name : of_->settings().models)
        configured.push_back(made_model(name, of_->settings()));
    set(std::move(configured));
    is_known_ = false;
}

agent::model_list openai_models::now() const {
    std::lock_guard const lock{mutex_};
    return list_;
}

result<std::string> openai_models::upstream_name(std::string_view model) const {
    for (auto const& [name, of_upstream] : of_->settings().aliases)
        if (name == model) return of_upstream;
    std::lock_guard const lock{mutex_};
    bool const is_listed = std::any_of(list_->begin(), list_->end(),
                                       [&](agent::model const& one) { return one.name == model; });
    if (is_listed || (!is_known_ && of_->settings().models.empty())) return std::string{model};
    return rejection{rejection_code::not_found, "model '" + std::string{model} + "' not found"}
        .because("model_not_found");
}

/// Puts the aliases first: they are what the operator wants to be seen.
void openai_models::set(std::vector<agent::model> of_upstream) {
    auto made = std::make_shared<std::vector<agent::model>>();
    for (auto const& [name, target] : of_->settings().aliases) {
        auto const known = std::find_if(
            of_upstream.begin(), of_upstream.end(),
            [&, &wanted = target](agent::model const& one) { return one.name == wanted; });
        agent::model shown =
            known != of_upstream.end() ? *known : made_model(target, of_->settings());
        shown.name = name;
        made->push_back(std::move(shown));
    }
    for (agent::model& one : of_upstream) {
        bool const is_hidden =
            std::any_of(made->begin(), made->end(),
                        [&](agent::model const& other) { return other.name == one.name; });
        if (!is_hidden) made->push_back(std::move(one));
    }
    std::lock_guard const lock{mutex_};
    list_ = std::move(made);
    is_known_ = true;
}

asio::awaitable<result<>> openai_models::refresh() {
    auto const until = std::chrono::steady_clock::now() + of_->settings().request_time;
    net::http_call call{of_->client()};
    auto sent = co_await call.send(of_->models(), {}, until);
    if (!sent) co_return with_advice(std::move(sent).error());
    auto const status = call.head().status;
    auto const body = co_await call.read_all(max_list_bytes, until);
    if (!body) co_return body.error();
    if (status != 200)
        co_return upstream_rejection(status, *body, {}, of_->settings().key.reveal());
    auto list = read_models(*body, of_->settings());
    if (!list) co_return std::move(list).error();
    set(*std::move(list));
    co_return result<>{};
}

asio::awaitable<void> openai_models::keep_up(std::shared_ptr<openai_models> self) {
    asio::steady_timer timer{co_await asio::this_coro::executor};
    auto const refresh_time = self->of_->settings().refresh_time;
    std::chrono::milliseconds wait = std::min(first_retry, refresh_time);
    bool has_failed = false;
    for (;;) {
        auto const outcome = co_await self->refresh();
        if (!outcome && outcome.error().code() == rejection_code::client_closed) co_return;
        // Each change is told once, not each of many attempts.
        if (!outcome && !has_failed)
            spdlog::warn("cannot list the upstream's models: {}", outcome.error().message());
        if (outcome && has_failed) spdlog::info("the upstream lists its models again");
        wait = outcome ? refresh_time
                       : std::min(has_failed ? wait * 2 : std::min(first_retry, refresh_time),
                                  refresh_time);
        has_failed = !outcome;
        timer.expires_after(wait);
        std::error_code stopped;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, stopped));
        if (stopped) co_return;
    }
}

void openai_models::start(asio::io_context& on) {
    context_ = &on;
    asio::co_spawn(on, keep_up(shared_from_this()),
                   asio::bind_cancellation_slot(cancel_.slot(), asio::detached));
}

void openai_models::stop() {
    if (context_ == nullptr) return;
    asio::post(*context_, [self = shared_from_this()] {
        self->cancel_.emit(asio::cancellation_type::terminal);
    });
    context_ = nullptr;
}

} // namespace mcp_provider::server::agents
