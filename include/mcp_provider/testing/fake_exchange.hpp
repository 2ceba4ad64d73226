// Exchanges that nobody had: for tests of `on_complete`, without a service.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/pipeline/exchange.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::testing {

/// An exchange that is over: answered with 200 and no bytes in no time, unless told otherwise.
/// *Lifetime*: that of the request and of the policies' names.
class fake_exchange {
public:
    explicit fake_exchange(http::request const& asked) noexcept : made_{asked} {
        made_.status_ = 200;
        made_.cause_ = end_cause::completed;
    }

    fake_exchange& answered(std::uint16_t status) noexcept {
        made_.status_ = status;
        return *this;
    }
    /// Refused by the policy of that name, or by `handler`.
    fake_exchange& refused(std::string_view by, rejection why) {
        made_.status_ = why.status();
        made_.cause_ = end_cause::refused;
        made_.refused_by_ = by;
        made_.refusal_.emplace(std::move(why));
        return *this;
    }
    /// The handler threw this.
    fake_exchange& fault(std::string what) {
        refused("handler", rejection{rejection_code::internal, "internal error"});
        made_.cause_ = end_cause::failed;
        made_.fault_ = std::move(what);
        return *this;
    }
    fake_exchange& ended_by(end_cause cause) noexcept {
        made_.cause_ = cause;
        return *this;
    }
    /// The pipeline's policies, and how many of them admitted.
    fake_exchange& through(std::span<std::string_view const> policies,
                           std::size_t admitted) noexcept {
        made_.policies_ = policies;
        made_.admitted_ = admitted;
        return *this;
    }
    fake_exchange& bytes(std::uint64_t of_request, std::uint64_t of_response) noexcept {
        made_.request_bytes_ = of_request;
        made_.response_bytes_ = of_response;
        return *this;
    }
    /// How long it took to the first byte, and to the last one.
    fake_exchange& took(std::chrono::nanoseconds first_byte,
                        std::chrono::nanoseconds whole) noexcept {
        made_.first_byte_ = made_.started_ + first_byte;
        made_.ended_ = made_.started_ + whole;
        return *this;
    }

    [[nodiscard]] exchange const& get() const noexcept { return made_; }
    operator exchange const&() const noexcept { return made_; }

private:
    exchange made_;
};

} // namespace mcp_provider::testing
