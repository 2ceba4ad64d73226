// The version of the framework; CMake reads it from here.
#pragma once

#include <string_view>

namespace mcp_provider {

/// The version, as https://semver.org orders them.
inline constexpr std::string_view version = "0.1.0";

} // namespace mcp_provider
