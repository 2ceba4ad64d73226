// Every header in the opposite order, without assertions.
#ifndef NDEBUG
#define NDEBUG
#endif
#include "in_opposite_order.hpp"

bool version_is_known_to_two() { return !mcp_provider::version.empty(); }
