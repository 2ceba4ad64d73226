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

namespace detail {

[[nodiscard]] constexpr bool same_letters(char const* a, char const* b, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size; ++i)
        if (a[i] != b[i] && to_lower(a[i]) != to_lower(b[i])) return false;
    return true;
}

} // namespace detail

/// Compares field names and other case-insensitive ASCII tokens (RFC 9110 §5.1).
[[nodiscard]] constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size())
        return false; // alone, so that it is inlined: most comparisons end here
    return detail::same_letters(a.data(), b.data(), a.size());
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
/// All text lies in one string: a response of some fields costs two allocations.
class fields {
public:
    /// *Lifetime*: until the fields are changed.
    using field = field_view;

    fields() = default;

    /// Sets the field, replacing one of the same name.
    void set(std::string_view name, std::string_view value) {
        for (place& one : list_)
            if (equals_ignoring_case(view(one).name, name)) {
                one.value = keep(value);
                return;
            }
        add(name, value);
    }

    /// Adds a field, beside others of the same name.
    void add(std::string_view name, std::string_view value) {
        if (list_.empty()) {
            list_.reserve(usual_fields);
            text_.reserve(usual_bytes);
        }
        extent const named = keep(name);
        list_.push_back({named, keep(value)});
    }

    /// The value of the first field of that name, or an empty view.
    [[nodiscard]] std::string_view get(std::string_view name) const noexcept {
        for (field const one : *this)
            if (equals_ignoring_case(one.name, name)) return one.value;
        return {};
    }

    [[nodiscard]] bool has(std::string_view name) const noexcept {
        for (field const one : *this)
            if (equals_ignoring_case(one.name, name)) return true;
        return false;
    }

    void remove(std::string_view name) {
        std::erase_if(list_,
                      [&](place const& one) { return equals_ignoring_case(view(one).name, name); });
    }

    class iterator {
    public:
        using value_type = field;
        using difference_type = std::ptrdiff_t;

        iterator() = default;
        [[nodiscard]] field operator*() const noexcept { return of_->view(of_->list_[at_]); }
        iterator& operator++() noexcept {
            ++at_;
            return *this;
        }
        iterator operator++(int) noexcept {
            iterator const before = *this;
            ++at_;
            return before;
        }
        bool operator==(iterator const&) const = default;

    private:
        friend class fields;
        iterator(fields const& of, std::size_t at) noexcept : of_{&of}, at_{at} {}
        fields const* of_ = nullptr;
        std::size_t at_ = 0;
    };
    [[nodiscard]] iterator begin() const noexcept { return {*this, 0}; }
    [[nodiscard]] iterator end() const noexcept { return {*this, list_.size()}; }
    [[nodiscard]] std::size_t size() const noexcept { return list_.size(); }

private:
    static constexpr std::size_t usual_fields = 8;
    static constexpr std::size_t usual_bytes = 240;

    struct extent {
        std::size_t begin = 0;
        std::size_t size = 0;
    };
    struct place {
        extent name;
        extent value;
    };

    [[nodiscard]] field view(place const& one) const noexcept {
        std::string_view const text = text_;
        return {text.substr(one.name.begin, one.name.size),
                text.substr(one.value.begin, one.value.size)};
    }
    extent keep(std::string_view text) {
        extent const kept{text_.size(), text.size()};
        text_ += text;
        for (std::size_t i = kept.begin; i != text_.size(); ++i)
            if (text_[i] == '\r' || text_[i] == '\n' || text_[i] == '\0') text_[i] = ' ';
        return kept;
    }

    std::string text_;
    std::vector<place> list_;
};

} // namespace mcp_provider::http
