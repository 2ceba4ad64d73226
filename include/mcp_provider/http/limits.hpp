// The limits of one HTTP connection, in size and in time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace mcp_provider::http {

/// Sizes in bytes. Each limit is inclusive: exactly that much passes, one more is refused.
struct limits {
    std::size_t max_target_bytes = 8 * 1024;  ///< 414 beyond
    std::size_t max_header_bytes = 32 * 1024; ///< request line and fields together; 431 beyond
    std::size_t max_header_fields = 100;      ///< 431 beyond
    std::uint64_t max_body_bytes =
        10 * 1024 * 1024; ///< decoded; 413 beyond, from the head alone where it says so
    std::size_t max_chunk_line_bytes = 256;   ///< chunk size with its extensions; 400 beyond
    std::size_t max_trailer_bytes = 8 * 1024; ///< 431 beyond

    std::chrono::milliseconds header_time{
        10'000}; ///< from the first byte to the end of the head; then 408
    std::chrono::milliseconds body_time{30'000};  ///< between two reads of a body; then 408
    std::chrono::milliseconds idle_time{150'000}; ///< between two requests; Go's clients keep 90 s
    std::chrono::milliseconds write_time{
        60'000}; ///< a client that takes no byte for so long is gone
    std::chrono::milliseconds heartbeat{
        15'000}; ///< silence in a stream before `body_stream::heartbeat`
    std::chrono::milliseconds head_hold{
        1'000}; ///< how long a stream's head waits for the first word of its source
    std::size_t max_requests_per_connection = 100'000;
};

} // namespace mcp_provider::http
