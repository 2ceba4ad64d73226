#include "app.hpp"

#include "mcp_provider/http/request.hpp"
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/audit_log.hpp"
#include "mcp_provider/policy/authenticate.hpp"
#include "mcp_provider/policy/content_rules.hpp"
#include "mcp_provider/policy/deadline.hpp"
#include "mcp_provider/policy/json_body.hpp"
#include "mcp_provider/policy/local_origin.hpp"
#include "mcp_provider/policy/metrics.hpp"
#include "mcp_provider/policy/preflight.hpp"
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
#include "parameters.hpp"

#include <prometheus/text_serializer.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::server {

namespace {

/// Refusals on paths that no dialect owns: /v1 speaks OpenAI, everything else is what an Ollama would be asked.
http::response render_by_path(rejection const& why, http::request const& asked) {
    bool const is_openai = asked.path() == "/v1" || asked.path().starts_with("/v1/");
    return is_openai ? openai::render_error(why, asked) : ollama::render_error(why, asked);
}

/// Discovery is polled every few seconds by every window of an editor: of it only what concerns security is recorded.
constexpr audit_choice only_security{.requests = false, .errors = false};

constexpr scopes of_local_users =
    scopes{scope::discover} | scope::generate | scope::metrics | scope::events | scope::agent;

} // namespace

app::app(std::shared_ptr<config const> settings, std::shared_ptr<agent::agent> agent)
    : settings_{std::move(settings)}, logs_{settings_->log}, agent_{std::move(agent)},
      keys_{std::make_shared<key_ring>(settings_->keys_file())},
      users_{users_of(*settings_, of_local_users)}, origins_{origins_of(*settings_)},
      request_rules_{request_rules_of(*settings_)}, blocks_{std::make_shared<block_table>(
                                                        block_rules_of(*settings_))},
      rates_{std::make_shared<rate_table>(rate_rules_of(*settings_))},
      running_{std::make_shared<concurrency_gauge>(settings_->request.max_concurrent)},
      sessions_{std::make_shared<session_store<>>(session_limits_of(*settings_))},
      rules_{generation_rules_of(*settings_)}, content_{content_rules_of(*settings_)},
      metrics_{std::make_shared<exchange_metrics>()} {
    if (settings_->audit.enabled) {
        auto log = std::make_unique<audit::json_lines>(audit_options_of(*settings_));
        log_ = log.get();
        sink_ = std::move(log);
    } else {
        sink_ = std::make_unique<audit::null_sink>();
    }
    watch_health();
    add_openai();
    if (settings_->features.ollama_compat) add_ollama();
    add_operations();
    add_fallbacks();
}

// --- the pipelines, outermost policy first

/// Asks an agent: everything that this server knows about keeping callers apart and an agent safe stands before it.
template <class Request, class Handler>
any_service app::generation(http::error_renderer render, std::string_view route, Handler handler) {
    return pipeline(audit_log{*sink_, audit_choice_of(*settings_)}, metrics{metrics_, route},
                    access_log{logs_.access()}, local_origin{origins_},
                    request_limits{request_rules_}, address_block{blocks_},
                    authenticate{keys_, users_}, require_scope{scope::generate},
                    session_guard{sessions_}, rate_limit{rates_}, concurrency_limit{running_},
                    deadline{time_limits_of(*settings_)}, json_body<Request>{rules_},
                    content_rules<Request>{content_})
        .errors(render)
        .handle(std::move(handler));
}

/// Lists what there is. Open to local programs without a token unless the operator has closed it: many editors cannot
/// send one here, and would take the server for dead.
template <class Handler>
any_service app::discovery(http::error_renderer render, std::string_view route, Handler handler) {
    return pipeline(audit_log{*sink_, only_security}, metrics{metrics_, route},
                    access_log{logs_.access()}, local_origin{origins_},
                    request_limits{request_rules_}, address_block{blocks_}, discoverer(),
                    require_scope{scope::discover})
        .errors(render)
        .handle(std::move(handler));
}

/// Discovery that is asked with a body.
template <class Request, class Handler>
any_service app::lookup(http::error_renderer render, std::string_view route, Handler handler) {
    return pipeline(audit_log{*sink_, only_security}, metrics{metrics_, route},
                    access_log{logs_.access()}, local_origin{origins_},
                    request_limits{request_rules_}, address_block{blocks_}, discoverer(),
                    require_scope{scope::discover}, json_body<Request>{rules_})
        .errors(render)
        .handle(std::move(handler));
}

/// Needs no identity: health, and what is refused to everybody.
template <class Handler>
any_service app::unguarded(http::error_renderer render, std::string_view route,
                           audit_choice recorded, Handler handler) {
    return pipeline(audit_log{*sink_, recorded}, metrics{metrics_, route},
                    access_log{logs_.access()}, local_origin{origins_},
                    request_limits{request_rules_})
        .errors(render)
        .handle(std::move(handler));
}

authenticate<key_ring> app::discoverer() const {
    authenticate known{keys_, users_};
    return settings_->access.discovery_open ? std::move(known).or_anonymous() : std::move(known);
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
        routes_.add(
            verb, path,
            unguarded(render, path, audit_choice_of(*settings_), ollama::management_handler{}));
    };
    refused(method::post, "/api/create");
    refused(method::post, "/api/copy");
    refused(method::post, "/api/push");
    refused(method::del, "/api/delete");
    refused(method::get, "/api/blobs/*");
    refused(method::post, "/api/blobs/*");
}

void app::add_operations() {
    using http::method;
    constexpr auto render = &render_by_path;
    routes_.add(method::get, "/health",
                unguarded(render, "/health", only_security, [this] { return health_.answer(); }));
    routes_.add(method::get, "/health/ready",
                unguarded(render, "/health/ready", only_security,
                          [this] { return health_.answer_ready(); }));
    routes_.add(method::get, "/health/live", unguarded(render, "/health/live", only_security, [] {
                    return health_monitor::answer_live();
                }));
    if (!settings_->features.metrics) return;
    auto shown = std::make_shared<metrics_collector const>(metrics_);
    auto const answer = [shown] {
        return http::response{200, "text/plain; version=0.0.4; charset=utf-8",
                              prometheus::TextSerializer{}.Serialize(shown->Collect())};
    };
    authenticate scraper{keys_, users_};
    if (settings_->access.metrics_open) scraper = std::move(scraper).or_anonymous(scope::metrics);
    routes_.add(method::get, "/metrics",
                pipeline(audit_log{*sink_, only_security}, metrics{metrics_, "/metrics"},
                         access_log{logs_.access()}, local_origin{origins_},
                         request_limits{request_rules_}, address_block{blocks_}, std::move(scraper),
                         require_scope{scope::metrics})
                    .errors(render)
                    .handle(answer));
}

void app::add_fallbacks() {
    constexpr auto render = &render_by_path;
    auto const nowhere = [this](http::request const& asked) -> result<http::response> {
        if (asked.verb() == http::method::options) return preflight(asked);
        if (std::string const allowed = routes_.allowed_methods(asked.path()); !allowed.empty())
            return rejection{rejection_code::method_not_allowed,
                             "this path does not take " + std::string{asked.method_name()} +
                                 ", but " + allowed}
                .with_field("Allow", allowed);
        if (asked.path().starts_with("/v1")) return openai::unknown_path(asked);
        return rejection{rejection_code::not_found, "there is nothing at this path"};
    };
    routes_.otherwise(unguarded(render, "other", audit_choice_of(*settings_), nowhere));
    // What could not be read has no Host and no Origin that could be judged; it is refused whoever sent it.
    routes_.malformed(pipeline(audit_log{*sink_, audit_choice_of(*settings_)},
                               metrics{metrics_, "malformed"}, access_log{logs_.access()})
                          .errors(render)
                          .handle([](http::request const& asked) -> result<http::response> {
                              return *asked.malformation();
                          }));
}

// --- the house

void app::watch_health() {
    health_.add("adapter", [this] {
        return running_->running() < running_->most() ? health::healthy : health::degraded;
    });
    health_.add("agent",
                [this] { return agent_->models()->empty() ? health::degraded : health::healthy; });
    health_.add("audit", [this] {
        if (log_ == nullptr) return health::healthy;
        return log_->state().healthy ? health::healthy : health::unhealthy;
    });
    health_.add("sessions", [this] {
        return sessions_->size() < settings_->session.max_concurrent ? health::healthy
                                                                     : health::degraded;
    });
    health_.add("disk", [this] { return disk_health(settings_->state_directory); });
    health_.look();
}

void app::every_second() {
    if (key_reload const seen = keys_->reload_if_changed(); !seen.failure.empty())
        spdlog::error("the keys of before stay in force: {}", seen.failure);
    sessions_->cleanup();
    health_.look();
}

void app::reopen_logs() {
    if (log_ != nullptr) log_->reopen();
    logs_.reopen();
}

} // namespace mcp_provider::server
