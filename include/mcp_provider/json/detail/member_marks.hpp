// Tells most members that an object does not have from those that it may have, without a search.
#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <string_view>

namespace mcp_provider::json::detail {

/// A mapping asks one object for many members, of which it has a few. So the names of the object that was asked last are
/// remembered as a set of marks: a bit for those of a length and first letter.
/// *Lifetime*: the objects stay what and where they are.
class member_marks {
public:
    [[nodiscard]] bool may_have(boost::json::object const& object, std::string_view name) noexcept {
        if (&object != of_) {
            of_ = &object;
            marks_ = 0;
            for (auto const& member : object)
                marks_ |= mark_of({member.key().data(), member.key().size()});
        }
        return (marks_ & mark_of(name)) != 0;
    }

private:
    [[nodiscard]] static constexpr std::uint64_t mark_of(std::string_view name) noexcept {
        unsigned const first = name.empty() ? 0U : static_cast<unsigned char>(name.front());
        return std::uint64_t{1} << ((name.size() * 5 + first) & 63U);
    }

    boost::json::object const* of_ = nullptr;
    std::uint64_t marks_ = 0;
};

} // namespace mcp_provider::json::detail
