// What a text must look like to be a host, an origin, a URL, ...: each says what is wrong, or
// nothing.
#pragma once

#include "config/setting.hpp"

#include <string_view>

namespace mcp_provider::server::checks {

/// An address that listeners may bind today: the loopback ones.
[[nodiscard]] complaint loopback_host(std::string_view text);
/// `ws://` on loopback, or `wss://`.
[[nodiscard]] complaint bridge_url(std::string_view text);
/// `http://` or `https://` with a path, such as `/v1`.
[[nodiscard]] complaint upstream_url(std::string_view text);
[[nodiscard]] complaint webhook_url(std::string_view text);
[[nodiscard]] complaint absolute_path(std::string_view text);
/// `name`, `address` or `[address]`, with or without `:port`: what a Host field may say.
[[nodiscard]] complaint host_field(std::string_view text);
/// A serialised origin (RFC 6454 §6.2): `scheme://host`, with or without `:port`, in lower case.
[[nodiscard]] complaint origin(std::string_view text);
/// `type/subtype` without parameters.
[[nodiscard]] complaint media_type(std::string_view text);
[[nodiscard]] complaint model_name(std::string_view text);
/// `name=model`.
[[nodiscard]] complaint alias(std::string_view text);
/// A program and its arguments (`net::split_command_line`).
[[nodiscard]] complaint command_line(std::string_view text);
/// http or https, without a query.
[[nodiscard]] complaint mcp_url(std::string_view text);
/// A name of a tool, or of its argument (MCP 2026-07-28, Tools, Tool Names).
[[nodiscard]] complaint tool_name(std::string_view text);
/// A word of AGENT_PERMISSIONS.
[[nodiscard]] complaint permission(std::string_view text);
/// A name of an environment variable.
[[nodiscard]] complaint variable_name(std::string_view text);
/// RE2 syntax.
[[nodiscard]] complaint pattern(std::string_view text);
/// At least 128 bits of entropy, and characters that an HTTP field can carry.
[[nodiscard]] complaint strong_token(std::string_view text);
/// Characters that an HTTP field can carry.
[[nodiscard]] complaint field_text(std::string_view text);
/// `self`, `none`, or user ids and names of users that exist.
[[nodiscard]] complaint local_users(std::string_view text);

} // namespace mcp_provider::server::checks
