// Typed reading of a parsed document: the first thing that is wrong is remembered with its JSON pointer.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/json/detail/member_marks.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mcp_provider::json {

class reader;
class element_range;
class member_range;

/// One pass over a document. Its readers report here; only the first complaint is kept, for those that follow are
/// often its consequence. So a mapping reads straight on and asks `outcome()` once, at its end:
///
///     json::reading pass{document};
///     json::reader in = pass.root();
///     chat.model = in["model"].text();
///     chat.temperature = in["temperature"].number_or(0.8, 0.0, 2.0);
///     for (json::reader message : in["messages"].elements(1, 100)) chat.add(message["content"].text());
///     if (auto outcome = pass.outcome(); !outcome) return std::move(outcome).error();
///
/// *Lifetime*: the document must outlive the pass, and the pass its readers. *Thread safety*: shared objects unsafe.
class reading {
public:
    explicit reading(boost::json::value const& document) noexcept : document_{&document} {}
    reading(reading const&) = delete;
    reading& operator=(reading const&) = delete;

    [[nodiscard]] reader root() noexcept;
    [[nodiscard]] bool ok() const noexcept { return !first_; }
    /// Success, or the first complaint: `bad_request` with reason `invalid_value` and the place in `where()`.
    [[nodiscard]] result<> outcome() const {
        if (first_) return *first_;
        return {};
    }

private:
    friend class reader;

    boost::json::value const* document_;
    detail::member_marks marks_; // of the object that was asked last
    std::optional<rejection> first_;
};

/// A place in a document: a value, or where one is missing. Two or three pointers, copied freely.
/// `null` counts as absent, as SDKs send null for what is not set. Reading what is absent or of another kind complains
/// and returns an empty value; the forms with `…_or` take an absent place as said.
/// *Lifetime*: see `reading`; texts that are returned live as long as the document.
class reader {
public:
    /// Whether there is a value here other than `null`.
    [[nodiscard]] bool present() const noexcept { return value_ != nullptr && !value_->is_null(); }
    [[nodiscard]] bool is_text() const noexcept { return value_ != nullptr && value_->is_string(); }
    [[nodiscard]] bool is_number() const noexcept {
        return value_ != nullptr && value_->is_number();
    }
    [[nodiscard]] bool is_boolean() const noexcept {
        return value_ != nullptr && value_->is_bool();
    }
    [[nodiscard]] bool is_array() const noexcept { return value_ != nullptr && value_->is_array(); }
    [[nodiscard]] bool is_object() const noexcept {
        return value_ != nullptr && value_->is_object();
    }
    /// The value itself, null where there is none: for what is passed on unread (a JSON schema, a tool's arguments).
    [[nodiscard]] boost::json::value const* value() const noexcept { return value_; }
    /// The name of this member; empty for the root and for elements.
    [[nodiscard]] std::string_view name() const noexcept { return name_; }

    /// The member of that name, or the place where it would be. Complains when this is present and no object.
    /// *Lifetime*: `name` must live as long as the reader: pass a literal.
    [[nodiscard]] reader operator[](std::string_view name) const {
        if (!present()) return value_ == nullptr ? *this : reader{*pass_, nullptr, value_, name};
        if (!is_object()) {
            expected("an object");
            return reader{*pass_, nullptr, value_, name};
        }
        boost::json::value const* const found =
            pass_->marks_.may_have(value_->get_object(), name)
                ? value_->get_object().if_contains({name.data(), name.size()})
                : nullptr;
        return reader{*pass_, found, value_, name};
    }

    [[nodiscard]] std::string_view text() const {
        if (is_text()) return {value_->get_string().data(), value_->get_string().size()};
        expected("a string");
        return {};
    }
    [[nodiscard]] std::string_view text_or(std::string_view otherwise) const {
        return present() ? text() : otherwise;
    }

    [[nodiscard]] bool boolean() const {
        if (is_boolean()) return value_->get_bool();
        expected("true or false");
        return false;
    }
    [[nodiscard]] bool boolean_or(bool otherwise) const {
        return present() ? boolean() : otherwise;
    }

    /// A whole number in `[least, most]`; `5.0` is one too.
    [[nodiscard]] std::int64_t integer(std::int64_t least = any_integer::min(),
                                       std::int64_t most = any_integer::max()) const {
        if (is_number()) {
            boost::json::error_code inexact;
            auto const whole = value_->to_number<std::int64_t>(inexact);
            if (!inexact && whole >= least && whole <= most) return whole;
        }
        expected("a whole number" + range(least, most, any_integer::min(), any_integer::max()));
        return 0;
    }
    [[nodiscard]] std::int64_t integer_or(std::int64_t otherwise,
                                          std::int64_t least = any_integer::min(),
                                          std::int64_t most = any_integer::max()) const {
        return present() ? integer(least, most) : otherwise;
    }

    /// A finite number in `[least, most]`.
    [[nodiscard]] double number(double least = any_number::lowest(),
                                double most = any_number::max()) const {
        if (is_number()) {
            double const found = value_->to_number<double>();
            if (found >= least && found <= most) return found;
        }
        expected("a number" + range(least, most, any_number::lowest(), any_number::max()));
        return 0.0;
    }
    [[nodiscard]] double number_or(double otherwise, double least = any_number::lowest(),
                                   double most = any_number::max()) const {
        return present() ? number(least, most) : otherwise;
    }

    /// The elements of an array of `least` to `most`, for a range-based `for`; none where there is no such array.
    [[nodiscard]] element_range elements(std::size_t least = 0,
                                         std::size_t most = any_size::max()) const;
    /// As `elements`, but none where the array is absent.
    [[nodiscard]] element_range elements_or_none(std::size_t most = any_size::max()) const;
    /// The members of an object, for a range-based `for`; each has its `name()`.
    [[nodiscard]] member_range members() const;

    /// Complains of members other than those: for files in which what is not understood may be what forbids something.
    void complain_of_members_beside(std::initializer_list<std::string_view> known) const;

    /// Refuses this place for a reason of the caller's: `complain("must not be empty")`.
    void complain(std::string_view what) const { report(pointer(), what); }

    /// The JSON pointer of this place (RFC 6901). *Complexity*: linear in the document, so that reading pays nothing.
    [[nodiscard]] std::string pointer() const {
        std::string path;
        find(*pass_->document_, value_ != nullptr ? value_ : parent_, path);
        if (value_ == nullptr) append_step(path, name_);
        return path;
    }

private:
    friend class reading;
    friend class element_range;
    friend class member_range;
    using any_integer = std::numeric_limits<std::int64_t>;
    using any_number = std::numeric_limits<double>;
    using any_size = std::numeric_limits<std::size_t>;

    reader(reading& pass, boost::json::value const* value, boost::json::value const* parent,
           std::string_view name) noexcept
        : pass_{&pass}, value_{value}, parent_{parent}, name_{name} {}

    void expected(std::string_view what) const {
        if (!pass_->ok()) return;
        std::string text = "must be ";
        text += what;
        text += "; it is ";
        append_found(text);
        report(pointer(), text);
    }

    void report(std::string where, std::string_view what) const {
        if (!pass_->ok()) return;
        std::string message = where.empty() ? "the document" : where;
        message += ' ';
        message += what;
        pass_->first_.emplace(rejection{rejection_code::bad_request, std::move(message)}
                                  .because("invalid_value")
                                  .at(std::move(where)));
    }

    void append_found(std::string& text) const {
        if (value_ == nullptr) {
            text += "missing";
            return;
        }
        switch (value_->kind()) {
        case boost::json::kind::null: text += "null"; break;
        case boost::json::kind::bool_: text += value_->get_bool() ? "true" : "false"; break;
        case boost::json::kind::int64: text += std::to_string(value_->get_int64()); break;
        case boost::json::kind::uint64: text += std::to_string(value_->get_uint64()); break;
        case boost::json::kind::double_: append_shortest(text, value_->get_double()); break;
        case boost::json::kind::string: text += "a string"; break;
        case boost::json::kind::array:
            text += "an array of " + std::to_string(value_->get_array().size());
            break;
        case boost::json::kind::object: text += "an object"; break;
        }
    }

    template <class Number>
    static void append_shortest(std::string& text, Number number) {
        std::array<char, 32> digits;
        text.append(digits.data(),
                    std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
    }

    template <class Number>
    static std::string range(Number least, Number most, Number no_least, Number no_most) {
        constexpr bool counts = std::is_same_v<Number, std::size_t>;
        std::string text;
        if (least != no_least)
            append_shortest(text += most == no_most ? " of at least "
                                    : counts        ? " of "
                                                    : " from ",
                            least);
        if (most != no_most)
            append_shortest(text += least != no_least ? " to " : " of at most ", most);
        return text;
    }

    static void append_step(std::string& path, std::string_view name) {
        path += '/';
        for (char const c : name) {
            if (c == '~')
                path += "~0";
            else if (c == '/')
                path += "~1";
            else
                path += c;
        }
    }

    static bool find(boost::json::value const& at, boost::json::value const* wanted,
                     std::string& path) {
        if (&at == wanted) return true;
        std::size_t const size = path.size();
        if (auto const* const array = at.if_array()) {
            for (std::size_t i = 0; i != array->size(); ++i) {
                append_shortest(path += '/', i);
                if (find((*array)[i], wanted, path)) return true;
                path.resize(size);
            }
        } else if (auto const* const object = at.if_object()) {
            for (boost::json::key_value_pair const& member : *object) {
                append_step(path, {member.key().data(), member.key().size()});
                if (find(member.value(), wanted, path)) return true;
                path.resize(size);
            }
        }
        return false;
    }

    reading* pass_;
    boost::json::value const* value_;
    boost::json::value const* parent_; // where the member is missing; for its pointer
    std::string_view name_;
};

/// What `reader::elements` returns. *Lifetime*: see `reading`.
class element_range {
public:
    class iterator {
    public:
        iterator(reading& pass, boost::json::value const* at) noexcept : pass_{&pass}, at_{at} {}
        reader operator*() const noexcept { return reader{*pass_, at_, nullptr, {}}; }
        iterator& operator++() noexcept {
            ++at_;
            return *this;
        }
        bool operator==(iterator const& other) const noexcept { return at_ == other.at_; }

    private:
        reading* pass_;
        boost::json::value const* at_;
    };

    element_range(reading& pass, boost::json::array const* array) noexcept
        : pass_{&pass}, array_{array} {}
    [[nodiscard]] std::size_t size() const noexcept {
        return array_ != nullptr ? array_->size() : 0;
    }
    [[nodiscard]] iterator begin() const noexcept {
        return {*pass_, array_ != nullptr ? array_->data() : nullptr};
    }
    [[nodiscard]] iterator end() const noexcept {
        return {*pass_, array_ != nullptr ? array_->data() + size() : nullptr};
    }

private:
    reading* pass_;
    boost::json::array const* array_;
};

/// What `reader::members` returns. *Lifetime*: see `reading`.
class member_range {
public:
    class iterator {
    public:
        iterator(reading& pass, boost::json::key_value_pair const* at) noexcept
            : pass_{&pass}, at_{at} {}
        reader operator*() const noexcept {
            return reader{*pass_, &at_->value(), nullptr, {at_->key().data(), at_->key().size()}};
        }
        iterator& operator++() noexcept {
            ++at_;
            return *this;
        }
        bool operator==(iterator const& other) const noexcept { return at_ == other.at_; }

    private:
        reading* pass_;
        boost::json::key_value_pair const* at_;
    };

    member_range(reading& pass, boost::json::object const* object) noexcept
        : pass_{&pass}, object_{object} {}
    [[nodiscard]] std::size_t size() const noexcept {
        return object_ != nullptr ? object_->size() : 0;
    }
    [[nodiscard]] iterator begin() const noexcept {
        return {*pass_, object_ != nullptr ? object_->begin() : nullptr};
    }
    [[nodiscard]] iterator end() const noexcept {
        return {*pass_, object_ != nullptr ? object_->end() : nullptr};
    }

private:
    reading* pass_;
    boost::json::object const* object_;
};

inline reader reading::root() noexcept { return reader{*this, document_, nullptr, {}}; }

inline element_range reader::elements(std::size_t least, std::size_t most) const {
    if (is_array() && value_->get_array().size() >= least && value_->get_array().size() <= most)
        return {*pass_, &value_->get_array()};
    expected("an array" +
             (least == 0 && most == any_size::max()
                  ? std::string{}
                  : range(least, most, std::size_t{0}, any_size::max()) + " elements"));
    return {*pass_, nullptr};
}

inline element_range reader::elements_or_none(std::size_t most) const {
    if (!present()) return {*pass_, nullptr};
    return elements(0, most);
}

inline member_range reader::members() const {
    if (is_object()) return {*pass_, &value_->get_object()};
    expected("an object");
    return {*pass_, nullptr};
}

inline void
reader::complain_of_members_beside(std::initializer_list<std::string_view> known) const {
    for (reader const member : members())
        if (std::find(known.begin(), known.end(), member.name()) == known.end())
            member.complain("is a member that this version does not know");
}

} // namespace mcp_provider::json
