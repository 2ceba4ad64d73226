// Every header in order, with assertions.
#undef NDEBUG
#include "in_order.hpp"

bool version_is_known_to_two();

int main() { return !mcp_provider::version.empty() && version_is_known_to_two() ? 0 : 1; }
