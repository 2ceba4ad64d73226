// Header fields: views for a request that was read, owned text for a response to be written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::http {

[[nodiscard]] constexpr char to_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

/// Compares field names and other case-insensitive ASCII tokens (RFC 9110 §5.1).
[[nodiscard]] constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (to_lower(a[i]) != to_lower(b[i])) return false;
    return true;
}

/// Whether `c` may stand in a token: a method, a field name (RFC 9110 §5.6.2).
[[nodiscard]] constexpr bool is_token_character(char c) noexcept {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
    return std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}

/// Drops optional white space (SP, HTAB) at both ends (RFC 9110 §5.6.3).
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// Calls `visit(element)` for each non-empty element of a comma-separated list (RFC 9110 §5.6.1).
template <class Visit>
constexpr void for_each_element(std::string_view list, Visit&& visit) {
    while (!list.empty()) {
        auto const comma = list.find(',');
        if (auto const element = trimmed(list.substr(0, comma)); !element.empty()) visit(element);
        if (comma == std::string_view::npos) return;
        list.remove_prefix(comma + 1);
    }
}

/// One field of a request that was read. *Lifetime*: that of the connection's buffer, the whole exchange.
struct field_view {
    std::string_view name;
    std::string_view value;
};

/// Fields to be written. Order is kept; a name or value with CR, LF or NUL is refused by an assertion-free
/// replacement with a space, so that no value can split a response (RFC 9110 §5.5).
class fields {
public:
    struct field {
        std::string name;
        std::string value;
    };

    fields() = default;

    /// Sets the field, replacing one of the same name.
    void set(std::string_view name, std::string_view value) {
        for (field& one : list_)
            if (equals_ignoring_case(one.name, name)) {
                one.value = clean(value);
                return;
            }
        add(name, value);
    }

    /// Adds a field, beside others of the same name.
    void add(std::string_view name, std::string_view value) {
        list_.push_back(field{clean(name), clean(value)});
    }

    /// The value of the first field of that name, or an empty view.
    [[nodiscard]] std::string_view get(std::string_view name) const noexcept {
        for (field const& one : list_)
            if (equals_ignoring_case(one.name, name)) return one.value;
        return {};
    }

    [[nodiscard]] bool has(std::string_view name) const noexcept {
        for (field const& one : list_)
            if (equals_ignoring_case(one.name, name)) return true;
        return false;
    }

    void remove(std::string_view name) {
        std::erase_if(list_,
                      [&](field const& one) { return equals_ignoring_case(one.name, name); });
    }

    [[nodiscard]] auto begin() const noexcept { return list_.begin(); }
    [[nodiscard]] auto end() const noexcept { return list_.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return list_.size(); }

private:
    static std::string clean(std::string_view text) {
        std::string out{text};
        for (char& c : out)
            if (c == '\r' || c == '\n' || c == '\0') c = ' ';
        return out;
    }

    std::vector<field> list_;
};

} // namespace mcp_provider::http
