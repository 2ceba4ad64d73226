// What a command sees of the world: where it writes, the environment, the time, and how the server
// is started.
#pragma once

#include "config/config.hpp"
#include "keys/moment.hpp"

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mcp_provider::server {

/// Passed to every command, so that tests can stand in for the terminal and the clock.
/// *Lifetime*: the streams must outlive it.
struct surroundings {
    std::ostream& out;
    std::ostream& err;
    bool colour = false; ///< whether `err` is a terminal that wants colours
    std::vector<std::pair<std::string, std::string>> environment;
    std::function<moment()> now;
    std::function<int(std::shared_ptr<config const>, run_mode)> run_server;
};

} // namespace mcp_provider::server
