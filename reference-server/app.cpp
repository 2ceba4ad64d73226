#include "app.hpp"

#include "mcp_provider/http/request.hpp"
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/announce_requests.hpp"
#include "mcp_provider/policy/announce_security.hpp"
#include "mcp_provider/policy/audit_log.hpp"
#include "mcp_provider/policy/authenticate.hpp"
#include "mcp_provider/policy/content_rules.hpp"
#include "mcp_provider/policy/deadline.hpp"
#include "mcp_provider/policy/json_body.hpp"
#include "mcp_provider/policy/local_origin.hpp"
#include "mcp_provider/policy/metrics.hpp"
#include "mcp_provider/policy/rate_limit.hpp"
#include "mcp_provider/policy/require_scope.hpp"
#include "mcp_provider/policy/session_guard.hpp"
#include "ollama/discovery.hpp"
#include "ollama/errors.hpp"
#include "ollama/routes.hpp"
#include "ollama/wire.hpp"
#include "openai/errors.hpp"
#include "openai/routes.hpp"
#include "openai/wire.hpp"
#include "operations.hpp"
#include "ops/admin.hpp"
#include "ops/session_routes.hpp"
#include "parameters.hpp"

#include <memory>
#include <string_view>
#include <utility>

namespace mcp_provider::server {

namespace {

/// Refusals on paths that no dialect owns: /v1 speaks OpenAI, everything else is what an Ollama would be asked.
http::response render_by_path(rejection const& why, http::request const& asked) {
    bool const is_openai = asked.path() == "/v1" || asked.path().starts_with("/v1/");
    return is_openai ? openai::render_error(why, asked) : ollama::render_error(why, asked);
}

} // namespace

app::app(router& routes, server_state& state, std::shared_ptr<agent::agent> agent)
    : routes_{routes}, state_{state}, settings_{*state.settings}, agent_{std::move(agent)},
      rates_{std::make_shared<rate_table>(rate_rules_of(settings_))},
      running_{std::make_shared<concurrency_gauge>(settings_.request.max_concurrent)},
      rules_{generation_rules_of(settings_)}, content_{content_rules_of(settings_)} {
    watch_health();
    add_openai();
    if (settings_.features.ollama_compat) add_ollama();
    add_operations(routes_, state_, &render_by_path);
    add_admin(routes_, state_, &render_by_path);
    add_session_routes(routes_, state_, &openai::render_error);
    add_fallbacks();
}

// --- the pipelines, outermost policy first

/// Asks an agent: everything that this server knows about keeping callers apart and an agent safe stands before it.
template <class Request, class Handler>
any_service app::generation(http::error_renderer render, std::string_view route, Handler handler) {
    return pipeline(audit_log{*state_.sink, audit_choice_of(settings_)},
                    metrics{state_.metrics, route}, access_log{state_.logs.access()},
                    announce_security{state_.feed}, watch_incidents{state_.monitor},
                    local_origin{state_.origins}, request_limits{state_.request_rules},
                    address_block{state_.blocks}, authenticate{state_.tokens, state_.users},
                    require_scope{scope::generate}, session_guard{state_.sessions},
                    rate_limit{rates_}, concurrency_limit{running_},
                    deadline{time_limits_of(settings_)}, json_body<Request>{rules_},
                    content_rules<Request>{content_}, announce_requests{state_.feed})
        .errors(render)
        .handle(std::move(handler));
}

/// Lists what there is. Open to local programs without a token unless the operator has closed it: many editors cannot
/// send one here, and would take the server for dead.
template <class Handler>
any_service app::discovery(http::error_renderer render, std::string_view route, Handler handler) {
    return pipeline(audit_log{*state_.sink, only_security}, metrics{state_.metrics, route},
                    access_log{state_.logs.access()}, announce_security{state_.feed},
                    watch_incidents{state_.monitor}, local_origin{state_.origins},
                    request_limits{state_.request_rules}, address_block{state_.blocks},
                    discoverer(), require_scope{scope::discover})
        .errors(render)
        .handle(std::move(handler));
}

/// Discovery that is asked with a body.
template <class Request, class Handler>
any_service app::lookup(http::error_renderer render, std::string_view route, Handler handler) {
    return pipeline(audit_log{*state_.sink, only_security}, metrics{state_.metrics, route},
                    access_log{state_.logs.access()}, announce_security{state_.feed},
                    watch_incidents{state_.monitor}, local_origin{state_.origins},
                    request_limits{state_.request_rules}, address_block{state_.blocks},
                    discoverer(), require_scope{scope::discover}, json_body<Request>{rules_})
        .errors(render)
        .handle(std::move(handler));
}

authenticate<token_lookup> app::discoverer() const {
    authenticate known{state_.tokens, state_.users};
    return settings_.access.discovery_open ? std::move(known).or_anonymous() : std::move(known);
}

// --- the routes

void app::add_openai() {
    using http::method;
    constexpr auto render = &openai::render_error;
    agent::agent& agents = *agent_;
    routes_.add(method::post, "/v1/chat/completions",
                generation<openai::chat_request>(render, "/v1/chat/completions",
                                                 openai::chat_handler{agents}));
    routes_.add(method::post, "/v1/completions",
                generation<openai::completion_request>(render, "/v1/completions",
                                                       openai::completion_handler{agents}));
    routes_.add(method::post, "/v1/embeddings",
                generation<openai::embedding_request>(render, "/v1/embeddings",
                                                      openai::embedding_handler{agents}));
    routes_.add(method::get, "/v1/models",
                discovery(render, "/v1/models", openai::model_list_handler{agents}));
    routes_.add(method::get, "/v1/models/*",
                discovery(render, "/v1/models/*", openai::model_handler{agents}));
}

void app::add_ollama() {
    using http::method;
    constexpr auto render = &ollama::render_error;
    agent::agent& agents = *agent_;
    routes_.add(
        method::post, "/api/chat",
        generation<ollama::chat_request>(render, "/api/chat", ollama::chat_handler{agents}));
    routes_.add(method::post, "/api/generate",
                generation<ollama::generate_request>(render, "/api/generate",
                                                     ollama::generate_handler{agents}));
    routes_.add(
        method::post, "/api/embed",
        generation<ollama::embed_request>(render, "/api/embed", ollama::embed_handler{agents}));
    routes_.add(method::post, "/api/embeddings",
                generation<ollama::embeddings_request>(render, "/api/embeddings",
                                                       ollama::embeddings_handler{agents}));
    routes_.add(method::get, "/", discovery(render, "/", ollama::root_handler{}));
    routes_.add(method::get, "/api/version",
                discovery(render, "/api/version", ollama::version_handler{}));
    routes_.add(method::get, "/api/tags",
                discovery(render, "/api/tags", ollama::tags_handler{agents}));
    routes_.add(method::get, "/api/ps", discovery(render, "/api/ps", ollama::ps_handler{agents}));
    routes_.add(method::post, "/api/show",
                lookup<ollama::show_request>(render, "/api/show", ollama::show_handler{agents}));
    routes_.add(method::post, "/api/pull",
                lookup<ollama::pull_request>(render, "/api/pull", ollama::pull_handler{agents}));

    auto const refused = [&](method verb, std::string_view path) {
        routes_.add(verb, path,
                    unguarded(state_, render, path, audit_choice_of(settings_),
                              ollama::management_handler{}));
    };
    refused(method::post, "/api/create");
    refused(method::post, "/api/copy");
    refused(method::post, "/api/push");
    refused(method::del, "/api/delete");
    refused(method::get, "/api/blobs/*");
    refused(method::post, "/api/blobs/*");
}

void app::add_fallbacks() {
    constexpr auto render = &render_by_path;
    auto const nowhere = [this](http::request const& asked) -> result<http::response> {
        result<http::response> answer = answer_unknown(routes_, asked);
        bool const is_unknown = !answer && answer.error().code() == rejection_code::not_found;
        if (is_unknown && asked.path().starts_with("/v1")) return openai::unknown_path(asked);
        return answer;
    };
    routes_.otherwise(unguarded(state_, render, "other", audit_choice_of(settings_), nowhere));
}

// --- the house

void app::watch_health() {
    state_.health.add("adapter", [this] {
        return running_->running() < running_->most() ? health::healthy : health::degraded;
    });
    state_.health.add("sessions", [this] {
        return state_.sessions->size() < settings_.session.max_concurrent ? health::healthy
                                                                          : health::degraded;
    });
}

} // namespace mcp_provider::server
