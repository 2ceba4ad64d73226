#include "overheard.hpp"

#include "mcp_provider/events/event.hpp"
#include "mcp_provider/events/feed.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::testing {

struct overheard::ear {
    explicit ear(events::feed& to) : from{to.listen(events::topics::all())} {}

    std::string const& listen() {
        std::vector<events::event_pointer> batch;
        (void)from->take(batch, 1'000'000);
        if (!batch.empty()) {
            last.clear();
            batch.back()->append_to(last);
        }
        return last;
    }

    std::unique_ptr<events::listener> from;
    std::string last;
};

overheard::overheard()
    : feed_{std::make_shared<events::feed>()}, ear_{std::make_unique<ear>(*feed_)} {}
overheard::~overheard() = default;

bool overheard::tells(std::string_view part) {
    return ear_->listen().find(part) != std::string::npos;
}

bool overheard::is_silent() { return ear_->listen().empty(); }

} // namespace mcp_provider::testing
