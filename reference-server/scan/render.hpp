// A scan's report as text for people, as JSON, and as SARIF 2.1.0 for tools that collect findings.
#pragma once

#include "keys/moment.hpp"
#include "scan/finding.hpp"

#include <string>

namespace mcp_provider::server::scan {

[[nodiscard]] std::string as_text(report const& found, bool colour);
[[nodiscard]] std::string as_json(report const& found, moment when);
/// *See* OASIS SARIF 2.1.0.
[[nodiscard]] std::string as_sarif(report const& found);

} // namespace mcp_provider::server::scan
