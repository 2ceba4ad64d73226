// Checks a value against a JSON Schema: the part of draft 2020-12 that tools' arguments are described with.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/json/serialize.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::json {

/// Bounds of one check. Beyond them the rest counts as valid: a schema is the operator's, an instance may be anybody's.
struct schema_limits {
    std::size_t max_depth = 64;      ///< of references and nesting together
    std::size_t max_steps = 100'000; ///< pairs of a schema and a value
};

/// One check of one instance. Not for users: call `validate`.
class schema_check {
public:
    schema_check(boost::json::value const& root, schema_limits limits) noexcept
        : root_{root}, limits_{limits} {}

    /// Whether `value` is valid; otherwise `why` and `where` say what is wrong.
    [[nodiscard]] bool operator()(boost::json::value const& value) { return fits(root_, value); }
    [[nodiscard]] std::string const& why() const noexcept { return why_; }
    [[nodiscard]] std::string const& where() const noexcept { return where_; }

private:
    using object = boost::json::object;
    using any = boost::json::value;

    bool refuse(std::string why) {
        if (quiet_ == 0) {
            why_ = std::move(why);
            where_ = path_;
        }
        return false;
    }

    static std::string_view text(boost::json::string const& from) noexcept {
        return {from.data(), from.size()};
    }

    bool fits(any const& schema, any const& instance) {
        if (depth_ >= limits_.max_depth || steps_ >= limits_.max_steps) return true;
        ++steps_;
        if (schema.is_bool()) return schema.get_bool() || refuse("is not allowed");
        if (!schema.is_object()) return true;
        ++depth_;
        bool const good = fits_all(schema.get_object(), instance);
        --depth_;
        return good;
    }

    bool fits_all(object const& schema, any const& instance) {
        if (auto const* const ref = schema.if_contains("$ref"))
            if (any const* const target = find(*ref))
                if (!fits(*target, instance)) return false;
        return has_type(schema, instance) && is_one_of(schema, instance) &&
               number_fits(schema, instance) && text_fits(schema, instance) &&
               array_fits(schema, instance) && object_fits(schema, instance) &&
               combination_fits(schema, instance);
    }

    /// The target of `#`, `#/a/b`, or of an anchor in `$defs`; null for everything else, which then counts as anything.
    any const* find(any const& ref) const {
        if (!ref.is_string()) return nullptr;
        std::string_view at = text(ref.get_string());
        if (!at.starts_with('#')) return nullptr;
        at.remove_prefix(1);
        if (!at.empty() && !at.starts_with('/')) return find_anchor(at);
        any const* here = &root_;
        while (!at.empty() && here != nullptr) {
            at.remove_prefix(1);
            std::string_view const raw = at.substr(0, at.find('/'));
            at.remove_prefix(raw.size());
            std::string step;
            for (std::size_t i = 0; i != raw.size(); ++i) {
                if (raw[i] == '~' && i + 1 != raw.size()) {
                    ++i;
                    step += raw[i] == '1' ? '/' : '~';
                } else {
                    step += raw[i];
                }
            }
            here = here->is_object() ? here->get_object().if_contains(step) : nullptr;
        }
        return here;
    }
    any const* find_anchor(std::string_view name) const {
        any const* const defs =
            root_.is_object() ? root_.get_object().if_contains("$defs") : nullptr;
        if (defs == nullptr || !defs->is_object()) return nullptr;
        for (auto const& one : defs->get_object()) {
            if (!one.value().is_object()) continue;
            auto const* const anchor = one.value().get_object().if_contains("$anchor");
            if (anchor != nullptr && anchor->is_string() && text(anchor->get_string()) == name)
                return &one.value();
        }
        return nullptr;
    }

    static bool is_whole(any const& instance) {
        if (!instance.is_double()) return instance.is_number();
        return std::isfinite(instance.get_double()) &&
               std::trunc(instance.get_double()) == instance.get_double();
    }
    static bool is_a(std::string_view type, any const& instance) {
        if (type == "string") return instance.is_string();
        if (type == "number") return instance.is_number();
        if (type == "integer") return is_whole(instance);
        if (type == "boolean") return instance.is_bool();
        if (type == "object") return instance.is_object();
        if (type == "array") return instance.is_array();
        if (type == "null") return instance.is_null();
        return true;
    }
    bool has_type(object const& schema, any const& instance) {
        auto const* const type = schema.if_contains("type");
        if (type == nullptr) return true;
        if (type->is_string())
            return is_a(text(type->get_string()), instance) ||
                   refuse("must be of type " + std::string{text(type->get_string())});
        if (!type->is_array()) return true;
        for (any const& one : type->get_array())
            if (!one.is_string() || is_a(text(one.get_string()), instance)) return true;
        return refuse("must be of one of the types " + to_text(*type));
    }

    static bool equal(any const& a, any const& b) {
        if (a.is_number() && b.is_number()) return a.to_number<double>() == b.to_number<double>();
        return a == b;
    }
    bool is_one_of(object const& schema, any const& instance) {
        if (auto const* const only = schema.if_contains("const"))
            if (!equal(*only, instance)) return refuse("must be " + to_text(*only));
        auto const* const list = schema.if_contains("enum");
        if (list == nullptr || !list->is_array()) return true;
        for (any const& one : list->get_array())
            if (equal(one, instance)) return true;
        return refuse("must be one of " + to_text(*list));
    }

    /// Calls `good(limit)` where the schema has that keyword with a number.
    template <class Good>
    bool within(object const& schema, std::string_view keyword, std::string_view what, Good good) {
        auto const* const limit = schema.if_contains({keyword.data(), keyword.size()});
        if (limit == nullptr || !limit->is_number() || good(limit->to_number<double>()))
            return true;
        return refuse(std::string{what} + ' ' + to_text(*limit));
    }

    bool number_fits(object const& schema, any const& instance) {
        if (!instance.is_number()) return true;
        auto const n = instance.to_number<double>();
        return within(schema, "minimum", "must be at least", [n](double m) { return n >= m; }) &&
               within(schema, "maximum", "must be at most", [n](double m) { return n <= m; }) &&
               within(schema, "exclusiveMinimum", "must be more than",
                      [n](double m) { return n > m; }) &&
               within(schema, "exclusiveMaximum", "must be less than",
                      [n](double m) { return n < m; }) &&
               within(schema, "multipleOf", "must be a multiple of",
                      [n](double m) { return m <= 0 || std::remainder(n, m) == 0; });
    }

    bool text_fits(object const& schema, any const& instance) {
        if (!instance.is_string()) return true;
        double characters = 0;
        for (char const c : instance.get_string())
            if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) ++characters;
        return count_fits(schema, characters, "minLength", "maxLength", " characters");
    }

    bool count_fits(object const& schema, double count, std::string_view least,
                    std::string_view most, std::string_view unit) {
        bool const good =
            within(schema, least, "must have at least", [count](double m) { return count >= m; }) &&
            within(schema, most, "must have at most", [count](double m) { return count <= m; });
        if (!good && quiet_ == 0) why_ += unit;
        return good;
    }

    bool array_fits(object const& schema, any const& instance) {
        if (!instance.is_array()) return true;
        auto const& elements = instance.get_array();
        if (!count_fits(schema, static_cast<double>(elements.size()), "minItems", "maxItems",
                        " elements"))
            return false;
        std::size_t at = 0;
        if (auto const* const first = schema.if_contains("prefixItems");
            first != nullptr && first->is_array())
            for (; at != std::min(elements.size(), first->get_array().size()); ++at)
                if (!step_into(std::to_string(at), first->get_array()[at], elements[at]))
                    return false;
        auto const* const items = schema.if_contains("items");
        for (; items != nullptr && at != elements.size(); ++at)
            if (!step_into(std::to_string(at), *items, elements[at])) return false;
        return true;
    }

    bool object_fits(object const& schema, any const& instance) {
        if (!instance.is_object()) return true;
        object const& members = instance.get_object();
        if (!count_fits(schema, static_cast<double>(members.size()), "minProperties",
                        "maxProperties", " members"))
            return false;
        if (auto const* const required = schema.if_contains("required");
            required != nullptr && required->is_array())
            for (any const& one : required->get_array())
                if (one.is_string() && members.if_contains(one.get_string()) == nullptr)
                    return refuse("needs the member \"" + std::string{text(one.get_string())} +
                                  '"');
        auto const* const named = schema.if_contains("properties");
        object const* const properties =
            named != nullptr && named->is_object() ? &named->get_object() : nullptr;
        // patternProperties would need expressions: where there are some, no member counts as additional.
        auto const* const others = schema.if_contains("patternProperties") == nullptr
                                       ? schema.if_contains("additionalProperties")
                                       : nullptr;
        for (auto const& one : members) {
            auto const* const its =
                properties != nullptr ? properties->if_contains(one.key()) : nullptr;
            any const* const rule = its != nullptr ? its : others;
            if (rule != nullptr &&
                !step_into({one.key().data(), one.key().size()}, *rule, one.value()))
                return false;
        }
        return true;
    }

    bool step_into(std::string_view name, any const& schema, any const& instance) {
        std::size_t const before = path_.size();
        path_ += '/';
        for (char const c : name) {
            if (c == '~')
                path_ += "~0";
            else if (c == '/')
                path_ += "~1";
            else
                path_ += c;
        }
        bool const good = fits(schema, instance);
        path_.resize(before);
        return good;
    }

    /// Whether it fits, without saying why not.
    bool fits_quietly(any const& schema, any const& instance) {
        ++quiet_;
        bool const good = fits(schema, instance);
        --quiet_;
        return good;
    }

    bool combination_fits(object const& schema, any const& instance) {
        if (auto const* const all = list_at(schema, "allOf"))
            for (any const& one : *all)
                if (!fits(one, instance)) return false;
        if (auto const* const several = list_at(schema, "anyOf"); several && !several->empty()) {
            if (count(*several, instance) == 0) return refuse("fits none of the allowed forms");
        }
        if (auto const* const one = list_at(schema, "oneOf"); one && !one->empty()) {
            std::size_t const fitting = count(*one, instance);
            if (fitting != 1 && !exhausted())
                return refuse(fitting == 0 ? "fits none of the allowed forms"
                                           : "fits more than one of the allowed forms");
        }
        if (auto const* const no = schema.if_contains("not"))
            if (fits_quietly(*no, instance) && !exhausted())
                return refuse("is of a form that is not allowed");
        if (auto const* const condition = schema.if_contains("if")) {
            auto const* const then =
                schema.if_contains(fits_quietly(*condition, instance) ? "then" : "else");
            if (then != nullptr && !fits(*then, instance)) return false;
        }
        return true;
    }
    static boost::json::array const* list_at(object const& schema, std::string_view keyword) {
        auto const* const found = schema.if_contains({keyword.data(), keyword.size()});
        return found != nullptr && found->is_array() ? &found->get_array() : nullptr;
    }
    std::size_t count(boost::json::array const& schemas, any const& instance) {
        std::size_t fitting = 0;
        for (any const& one : schemas) fitting += fits_quietly(one, instance) ? 1 : 0;
        return fitting;
    }
    [[nodiscard]] bool exhausted() const noexcept {
        return steps_ >= limits_.max_steps || depth_ + 1 >= limits_.max_depth;
    }

    boost::json::value const& root_;
    schema_limits limits_;
    std::string path_;
    std::string why_;
    std::string where_;
    std::size_t depth_ = 0;
    std::size_t steps_ = 0;
    std::size_t quiet_ = 0;
};

/// Checks `instance` against `schema`. Understood are: type, enum, const, minimum, maximum, their exclusive forms and
/// multipleOf, minLength, maxLength, minItems, maxItems, prefixItems, items, minProperties, maxProperties, required,
/// properties, additionalProperties, allOf, anyOf, oneOf, not, if/then/else, and `$ref` within the schema (pointers, and
/// anchors of `$defs`). *Deviations* from draft 2020-12: pattern, format, patternProperties, propertyNames, uniqueItems,
/// contains, dependent… and unevaluated… are not looked at, nor are references out of the schema; with
/// patternProperties no member is additional. So a value that is refused is invalid, but not the other way round.
/// *Errors*: `bad_request` with reason `invalid_value` and the place in `where()`.
[[nodiscard]] inline result<> validate(boost::json::value const& schema,
                                       boost::json::value const& instance,
                                       schema_limits limits = {}) {
    schema_check check{schema, limits};
    if (check(instance)) return {};
    std::string message = check.where().empty() ? std::string{"the value"} : check.where();
    (message += ' ') += check.why();
    return rejection{rejection_code::bad_request, std::move(message)}
        .because("invalid_value")
        .at(check.where());
}

} // namespace mcp_provider::json
