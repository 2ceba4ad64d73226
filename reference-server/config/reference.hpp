// What is generated from the table of settings, so that it cannot say anything else than the
// program does.
#pragma once

#include "config/setting.hpp"

#include <string>

namespace mcp_provider::server {

/// The page docs/configuration.md.
[[nodiscard]] std::string reference_page();

/// A JSON Schema (draft 2020-12) of one of the files. That of `.env` describes the object of its
/// keys with the values as numbers and booleans where they are such.
[[nodiscard]] std::string json_schema(home file);

} // namespace mcp_provider::server
