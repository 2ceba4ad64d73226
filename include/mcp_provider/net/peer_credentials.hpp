// Asks the kernel who owns the other end of a loopback TCP connection: what SO_PEERCRED is to Unix sockets.
#pragma once

#include <asio/ip/tcp.hpp>

#include <cstdint>
#include <optional>

#if defined(__linux__)
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#endif

namespace mcp_provider::net {

#if defined(__linux__)
namespace detail {

/// Whether this process sees all user ids as they are. In a user namespace an unmapped id shows as 65534, and must then
/// not be taken for the user `nobody`.
inline bool sees_all_user_ids() {
    std::FILE* const map = std::fopen("/proc/self/uid_map", "re");
    if (map == nullptr) return false;
    unsigned long inside = 1, outside = 1, count = 0;
    bool const whole = std::fscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3 &&
                       inside == 0 && outside == 0 && count == 4294967295UL;
    std::fclose(map);
    return whole;
}

struct diag_question {
    nlmsghdr header;
    inet_diag_req_v2 body;
};

} // namespace detail

/// Returns the user id that owns the client's socket of a loopback connection, from the client's side of the exact
/// 4-tuple (`sock_diag(7)`, `inet_diag_req_v2`). Needs no privilege; works from a container on host networking.
/// *Errors*: nothing, where the kernel does not say: other network namespace, socket closed meanwhile, no netlink.
/// *Complexity*: one query and one answer on a netlink socket, some microseconds; at most 100 ms.
/// *Thread safety*: safe.
[[nodiscard]] inline std::optional<std::uint32_t> peer_user(asio::ip::tcp::endpoint const& client,
                                                            asio::ip::tcp::endpoint const& server) {
    int const fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0) return std::nullopt;
    timeval const patience{0, 100'000};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);

    detail::diag_question ask{};
    ask.header.nlmsg_len = sizeof ask;
    ask.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    ask.header.nlmsg_flags = NLM_F_REQUEST;
    ask.header.nlmsg_seq = 1;
    ask.body.sdiag_protocol = IPPROTO_TCP;
    ask.body.idiag_states = ~0U;
    ask.body.id.idiag_sport = htons(client.port());
    ask.body.id.idiag_dport = htons(server.port());
    ask.body.id.idiag_cookie[0] = ask.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    if (client.address().is_v4()) {
        ask.body.sdiag_family = AF_INET;
        auto const from = client.address().to_v4().to_bytes();
        auto const to = server.address().to_v4().to_bytes();
        std::memcpy(ask.body.id.idiag_src, from.data(), from.size());
        std::memcpy(ask.body.id.idiag_dst, to.data(), to.size());
    } else {
        ask.body.sdiag_family = AF_INET6;
        auto const from = client.address().to_v6().to_bytes();
        auto const to = server.address().to_v6().to_bytes();
        std::memcpy(ask.body.id.idiag_src, from.data(), from.size());
        std::memcpy(ask.body.id.idiag_dst, to.data(), to.size());
    }

    std::optional<std::uint32_t> user;
    if (::send(fd, &ask, sizeof ask, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof ask)) {
        alignas(nlmsghdr) std::array<char, 1024>
            answer; // NOLINT(cppcoreguidelines-pro-type-member-init): recv fills it
        ssize_t const got = ::recv(fd, answer.data(), answer.size(), 0);
        nlmsghdr header{};
        inet_diag_msg body{};
        if (got >= static_cast<ssize_t>(NLMSG_HDRLEN + sizeof body)) {
            std::memcpy(&header, answer.data(), sizeof header);
            std::memcpy(&body, answer.data() + NLMSG_HDRLEN, sizeof body);
            // A socket in TIME_WAIT has no owner any more: inode 0, uid 0. That must not be taken for root.
            if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY && body.idiag_inode != 0)
                user = body.idiag_uid;
        }
    }
    ::close(fd);
    constexpr std::uint32_t overflow_id = 65534;
    if (user == overflow_id && !detail::sees_all_user_ids()) user.reset();
    return user;
}
#else
/// Other systems do not say who owns the other end of a TCP connection in this way; a token is needed there.
[[nodiscard]] inline std::optional<std::uint32_t> peer_user(asio::ip::tcp::endpoint const&,
                                                            asio::ip::tcp::endpoint const&) {
    return std::nullopt;
}
#endif

} // namespace mcp_provider::net
