#include "agents/agent_runtime.hpp"

#include "agents/agent_engine.hpp"

#include <utility>

namespace mcp_provider::server::agents {

namespace ag = mcp_provider::agent;

agent_runtime::agent_runtime(std::shared_ptr<agent_driver const> driver, runtime_settings settings)
    : engine_{std::make_shared<agent_engine>(std::move(driver), std::move(settings))} {}

agent_runtime::~agent_runtime() { stop(); }

void agent_runtime::tell_states_to(state_listener one) { engine_->tell_states_to(std::move(one)); }
void agent_runtime::use_desk(std::shared_ptr<permission_desk> desk) {
    engine_->use_desk(std::move(desk));
}

void agent_runtime::start(asio::io_context& on) { engine_->start(on.get_executor()); }

void agent_runtime::stop() { engine_->stop(); }

ag::model_list agent_runtime::models() const { return engine_->catalogue().models(); }

runtime_state agent_runtime::state() const { return engine_->state(); }

asio::awaitable<result<std::unique_ptr<ag::delta_stream>>>
agent_runtime::generate(ag::conversation const& ask, audited const&) {
    co_return engine_->begin(ask);
}

asio::awaitable<result<ag::embeddings>> agent_runtime::embed(ag::embedding_request const& ask,
                                                             audited const&) {
    co_return rejection{rejection_code::bad_request,
                        '"' + ask.model + "\" does not support embeddings"}
        .because("unsupported_by_model");
}

} // namespace mcp_provider::server::agents
