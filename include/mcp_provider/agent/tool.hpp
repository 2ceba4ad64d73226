// Tools that a caller offers to a model, and the calls that the model makes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace mcp_provider::agent {

/// A function that the caller offers. `parameters` is a JSON Schema as text; an empty one means no parameters.
class tool {
public:
    tool(std::string its_name, std::string its_description, std::string its_parameters)
        : name{std::move(its_name)}, description{std::move(its_description)}, parameters{std::move(
                                                                                  its_parameters)} {
    }

    std::string name;
    std::string description;
    std::string parameters;
};

/// Whether and which tool the model must call.
class tool_choice {
public:
    enum class kind : std::uint8_t { automatic, none, required, named };

    tool_choice() = default;
    explicit tool_choice(kind choice, std::string its_name = {})
        : how{choice}, name{std::move(its_name)} {}

    kind how = kind::automatic;
    std::string name; ///< for `named`
};

/// A call in the history of a conversation. `arguments` is a JSON object as text.
class tool_call {
public:
    tool_call(std::string its_id, std::string its_name, std::string its_arguments)
        : id{std::move(its_id)}, name{std::move(its_name)}, arguments{std::move(its_arguments)} {}

    std::string id;
    std::string name;
    std::string arguments;
};

} // namespace mcp_provider::agent
