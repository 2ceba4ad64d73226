// One request and what became of it: what `on_complete` sees.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/http/channel.hpp"
#include "mcp_provider/http/request.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mcp_provider {

namespace testing {
class fake_exchange;
}

/// A request with its outcome. *Lifetime*: during the hook that it is passed to.
class exchange {
public:
    explicit exchange(http::request const& asked) noexcept : request_{&asked} {}

    [[nodiscard]] http::request const& request() const noexcept { return *request_; }
    /// The status that went out, or would have; 499 where the client left before.
    [[nodiscard]] std::uint16_t status() const noexcept { return status_; }
    [[nodiscard]] end_cause cause() const noexcept { return cause_; }
    /// The refusal that became the answer or broke the stream; null where there was none.
    [[nodiscard]] rejection const* refusal() const noexcept {
        return refusal_ ? &*refusal_ : nullptr;
    }
    /// The name of the policy that refused, `handler`, or empty.
    [[nodiscard]] std::string_view refused_by() const noexcept { return refused_by_; }
    /// The names of the pipeline's policies, outermost first; they live as long as the program.
    [[nodiscard]] std::span<std::string_view const> policies() const noexcept { return policies_; }
    /// How many of them admitted; the refusing policy is the next one, or the handler where all did.
    [[nodiscard]] std::size_t admitted() const noexcept { return admitted_; }
    /// What a handler threw, for the operator's log only; empty otherwise.
    [[nodiscard]] std::string const& fault() const noexcept { return fault_; }
    [[nodiscard]] std::uint64_t request_bytes() const noexcept { return request_bytes_; }
    [[nodiscard]] std::uint64_t response_bytes() const noexcept { return response_bytes_; }
    [[nodiscard]] steady_time started() const noexcept { return started_; }
    /// When the first byte went out; equal to `ended()` where none did.
    [[nodiscard]] steady_time first_byte() const noexcept { return first_byte_; }
    [[nodiscard]] steady_time ended() const noexcept { return ended_; }

private:
    template <class Handler, class... Policies>
    friend class service_run;
    friend class testing::fake_exchange;

    http::request const* request_;
    std::uint16_t status_ = 0;
    end_cause cause_ = end_cause::drained;
    std::size_t admitted_ = 0;
    std::span<std::string_view const> policies_;
    std::string_view refused_by_;
    std::optional<rejection> refusal_;
    std::string fault_;
    std::uint64_t request_bytes_ = 0;
    std::uint64_t response_bytes_ = 0;
    steady_time started_{};
    steady_time first_byte_{};
    steady_time ended_{};
};

} // namespace mcp_provider
