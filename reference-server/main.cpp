// The program: hands the command line, the environment and the terminal to the commands.
#include "commands/command_tree.hpp"
#include "run.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>

int main(int argc, char** argv) try {
    namespace server = mcp_provider::server;
    bool const colour = ::isatty(STDERR_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
    server::surroundings const around{
        std::cout,
        std::cerr,
        colour,
        server::process_environment(),
        [] { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); },
        server::run_server};
    server::command_tree commands;
    server::add_all_commands(commands);
    return commands.run({argv + (argc > 0 ? 1 : 0), argv + argc}, around);
} catch (std::exception const& failure) {
    std::cerr << "mcp-local-provider: " << failure.what() << '\n';
    return 70; // EX_SOFTWARE: a mistake of ours
}
