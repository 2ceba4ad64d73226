// What a listener of a feed got, as JSON.
#pragma once

#include "mcp_provider/events/feed.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mcp_provider::events {

/// Listens from its beginning on.
class ear {
public:
    explicit ear(feed& to, topics chosen = topics::all()) : listener_{to.listen(chosen)} {}

    /// What has come since the last call.
    [[nodiscard]] std::vector<boost::json::object> take() {
        std::vector<event_pointer> batch;
        (void)listener_->take(batch, 1'000'000);
        std::vector<boost::json::object> out;
        for (event_pointer const& one : batch) {
            std::string line;
            one->append_to(line);
            out.push_back(boost::json::parse(line).as_object());
        }
        return out;
    }

private:
    std::unique_ptr<listener> listener_;
};

} // namespace mcp_provider::events
