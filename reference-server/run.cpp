#include "run.hpp"

#include "agents/make_agent.hpp"
#include "app.hpp"
#include "bridge/bridge_app.hpp"
#include "bridge/event_relay.hpp"
#include "bridge/link_agent.hpp"
#include "mcp_provider/events/announced_agent.hpp"
#include "mcp_provider/net/server.hpp"
#include "ops/port_holder.hpp"
#include "parameters.hpp"
#include "server_state.hpp"

#include <asio/signal_set.hpp>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace mcp_provider::server {

namespace {

constexpr int exit_port_in_use = 69;
constexpr int exit_configuration = 78;
constexpr std::chrono::seconds drain_time{10};

/// Secrets must not land in a core dump, nor be read through ptrace by other programs of the user.
void keep_memory_private() {
    rlimit const none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/// A log that nobody reads any more, or a client that has gone, must not end the server.
void survive_broken_pipes() { std::signal(SIGPIPE, SIG_IGN); }

/// A stream costs a descriptor or two; the soft limit is often 1024.
void raise_descriptor_limit() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

/// Binds every address of a part. ::1 may be missing on a machine without IPv6; nothing else may.
std::optional<int> listen(net::server& on, listen_settings const& where, char const* key) {
    std::uint16_t port = where.port;
    for (std::string const& address : where.addresses()) {
        auto const ip = asio::ip::make_address(address);
        std::error_code const error = on.listen({ip, port});
        if (!error) {
            if (port == 0) port = on.endpoints().front().port();
            continue;
        }
        if (error == std::errc::address_in_use) {
            std::fprintf(stderr, "%s\n", explain_busy_port(address, port, key).c_str());
            return exit_port_in_use;
        }
        bool const has_no_ipv6 = ip.is_v6() && (error == std::errc::address_not_available ||
                                                error == std::errc::address_family_not_supported);
        if (!has_no_ipv6) {
            std::fprintf(stderr, "cannot listen on %s port %u: %s\n", address.c_str(),
                         unsigned{port}, error.message().c_str());
            return exit_configuration;
        }
        spdlog::warn("this machine has no {}; clients that use it will not reach the server",
                     address);
    }
    return std::nullopt;
}

std::string origin_of(asio::ip::tcp::endpoint const& where) {
    std::string const host = where.address().is_v6() ? '[' + where.address().to_string() + ']'
                                                     : where.address().to_string();
    return "http://" + host + ':' + std::to_string(where.port());
}

/// The second a server lives by: keys, sessions, health.
void keep_house(asio::steady_timer& clock, server_state& state, bridge_app* bridge) {
    clock.expires_after(std::chrono::seconds{1});
    clock.async_wait([&clock, &state, bridge](std::error_code error) {
        if (error) return;
        state.every_second();
        if (bridge != nullptr) bridge->every_second();
        keep_house(clock, state, bridge);
    });
}

/// What an adapter that runs apart asks: the bridge.
chosen_agent make_link(config const& from, server_state& state) {
    auto made = std::make_shared<bridge::link_agent>(from);
    state.health.add("bridge", [made] { return made->state(); });
    chosen_agent chosen;
    chosen.agent = made;
    chosen.start = [made, feed = state.feed](asio::io_context& on) {
        bridge::relay_events(feed, made, on);
        made->start(on);
    };
    chosen.stop = [made] { made->stop(); };
    return chosen;
}

void wait_for_signal(asio::signal_set& signals, asio::io_context& context, server_state& state) {
    signals.async_wait([&](std::error_code error, int number) {
        if (error) return;
        if (number != SIGHUP) return context.stop();
        state.reopen_logs();
        wait_for_signal(signals, context, state);
    });
}

std::size_t adapter_workers(config const& from) {
    return from.adapter.workers != 0 ? from.adapter.workers
                                     : std::max(1U, std::thread::hardware_concurrency());
}

/// The one line on stdout: the parts that run, and where.
void say_ready(net::server const* adapter, net::server const* bridge) {
    std::string line = "ready";
    if (adapter != nullptr) line += " adapter=" + origin_of(adapter->endpoints().front());
    if (bridge != nullptr) line += " bridge=" + origin_of(bridge->endpoints().front());
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

} // namespace

int run_server(std::shared_ptr<config const> settings, run_mode mode) try {
    keep_memory_private();
    survive_broken_pipes();
    raise_descriptor_limit();
    chosen_agent chosen;
    if (mode != run_mode::adapter) chosen = make_agent(*settings);
    if (mode != run_mode::adapter && !chosen.agent) {
        std::fprintf(stderr, "this version has no such AGENT\n");
        return exit_configuration;
    }

    router adapter_routes;
    router bridge_routes;
    asio::io_context context{1}; // before the state, whose alerts are sent on it
    std::optional<server_state> state;
    std::optional<app> adapter_app;
    std::optional<bridge_app> bridge_part;
    // The ports first: a second server on the same machine is told of the first one, not of the files that it holds.
    std::optional<net::server> adapter;
    std::optional<net::server> bridge;
    if (mode != run_mode::bridge) {
        adapter.emplace(adapter_routes, limits_of(*settings), adapter_workers(*settings));
        if (auto const failed = listen(*adapter, settings->adapter.listen, "ADAPTER_PORT"))
            return *failed;
    }
    if (mode != run_mode::adapter) {
        bridge.emplace(bridge_routes, limits_of(*settings), 1);
        if (auto const failed = listen(*bridge, settings->bridge.listen, "BRIDGE_PORT"))
            return *failed;
    }

    state.emplace(settings, mode);
    if (mode == run_mode::adapter) chosen = make_link(*settings, *state);
    state->health.add("agent", [&chosen] {
        if (chosen.look) return chosen.look();
        return chosen.agent->models()->empty() ? health::degraded : health::healthy;
    });
    auto const watched = std::make_shared<events::announced_agent>(chosen.agent, state->feed);
    if (adapter) adapter_app.emplace(adapter_routes, *state, watched);
    if (bridge) bridge_part.emplace(bridge_routes, *state, chosen.agent);
    if (bridge_part && chosen.use_desk) chosen.use_desk(bridge_part->desk());
    if (chosen.announce) chosen.announce(state->feed);
    if (bridge_part && chosen.offer) chosen.offer(bridge_part->mcp_server());
    state->health.look();

    state->alerts.emplace(settings->alert, context);
    asio::signal_set signals{context, SIGTERM, SIGINT, SIGHUP};
    asio::steady_timer clock{context};
    wait_for_signal(signals, context, *state);
    keep_house(clock, *state, bridge_part ? &*bridge_part : nullptr);

    if (chosen.start) chosen.start(bridge ? bridge->context() : adapter->context());
    if (bridge) bridge->start();
    if (adapter) adapter->start();
    state->control.announce(origin_of((adapter ? *adapter : *bridge).endpoints().front()));
    say_ready(adapter ? &*adapter : nullptr, bridge ? &*bridge : nullptr);
    context.run();

    // The adapter first: its last answers may come from an agent that lives on the bridge's thread.
    spdlog::info("draining");
    if (adapter) adapter->stop(drain_time);
    if (bridge_part) bridge_part->drain(drain_time);
    if (chosen.stop) chosen.stop();
    state->feed->close();
    if (bridge_part) bridge_part->mcp_server().stop();
    if (bridge) bridge->stop(drain_time);
    if (auto const failure = state->keeper.save())
        spdlog::error("blocks and sessions are lost: {}", failure.message());
    return 0;
} catch (std::exception const& error) {
    std::fprintf(stderr, "the server cannot start: %s\n", error.what());
    return exit_configuration;
}

} // namespace mcp_provider::server
