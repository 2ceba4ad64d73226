// A service whose type is forgotten, for a table of routes.
#pragma once

#include "mcp_provider/http/request.hpp"
#include "mcp_provider/pipeline/exchange.hpp"
#include "mcp_provider/pipeline/service.hpp"

#include <asio/awaitable.hpp>

#include <memory>
#include <utility>

namespace mcp_provider {

/// A service of any type: the one place where types are erased.
class any_service {
public:
    template <class Handler, class... Policies>
    any_service(service<Handler, Policies...> one)
        : erased_{std::make_shared<holder<service<Handler, Policies...>> const>(std::move(one))} {}

    /// See `service::serve`.
    [[nodiscard]] asio::awaitable<void> serve(http::request const& asked, channel& io) const {
        return erased_->serve(asked, io);
    }

private:
    struct erased {
        erased() = default;
        erased(erased const&) = delete;
        erased& operator=(erased const&) = delete;
        virtual ~erased() = default;
        [[nodiscard]] virtual asio::awaitable<void> serve(http::request const& asked,
                                                          channel& io) const = 0;
    };
    template <class S>
    struct holder final : erased {
        explicit holder(S one) : held{std::move(one)} {}
        asio::awaitable<void> serve(http::request const& asked, channel& io) const override {
            return held.serve(asked, io);
        }
        S held;
    };

    std::shared_ptr<erased const> erased_;
};

} // namespace mcp_provider
