#include "agents/schema_instance.hpp"

#include "agents/words.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/write.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

namespace {

namespace bj = boost::json;

constexpr int max_levels = 64;
constexpr int max_steps = 20'000;
constexpr std::size_t max_text_bytes = 1024 * 1024;

/// Thrown and caught in this file only.
struct no_instance {};

struct known_format {
    std::string_view name;
    std::string_view example;
};

constexpr std::array<known_format, 12> formats = {{{"date-time", "2026-01-01T00:00:00Z"},
                                                   {"date", "2026-01-01"},
                                                   {"time", "00:00:00Z"},
                                                   {"duration", "PT1H"},
                                                   {"email", "echo@example.com"},
                                                   {"hostname", "example.com"},
                                                   {"ipv4", "127.0.0.1"},
                                                   {"ipv6", "::1"},
                                                   {"uuid", "00000000-0000-4000-8000-000000000000"},
                                                   {"uri", "https://example.com/"},
                                                   {"uri-reference", "/"},
                                                   {"json-pointer", "/echo"}}};

std::string_view view(bj::string const& text) noexcept { return {text.data(), text.size()}; }

/// One run over a schema. `nth` makes the elements of an array with unique items differ.
class generator {
public:
    explicit generator(bj::value const& root) : root_{root} {}

    bj::value make(bj::value const& schema, std::string_view name, std::size_t nth, int level) {
        if (++steps_ > max_steps || level > max_levels) throw no_instance{};
        if (schema.is_bool()) {
            if (!schema.get_bool()) throw no_instance{};
            return word(name, nth);
        }
        bj::object const* const rules = schema.if_object();
        if (rules == nullptr) throw no_instance{};
        if (bj::value const* const ref = rules->if_contains("$ref"))
            return follow(resolve(*ref), name, nth, level);
        if (bj::value const* const fixed = rules->if_contains("const")) return *fixed;
        if (bj::array const* const choices = array_at(*rules, "enum")) {
            if (choices->empty()) throw no_instance{};
            return (*choices)[nth % choices->size()];
        }
        if (bj::array const* const parts = array_at(*rules, "allOf"))
            return make(merged(*rules, *parts), name, nth, level + 1);
        for (std::string_view const either : {"anyOf", "oneOf"})
            if (bj::array const* const branches = array_at(*rules, either))
                return first_of(*rules, either, *branches, name, nth, level);
        return of_type(type_of(*rules), *rules, name, nth, level);
    }

private:
    /// A reference that is being followed, and how many choices had been taken when it was.
    struct followed {
        bj::value const* target;
        int choices;
    };

    /// Marks what could also be left out, or be something else, while it is made.
    class choice {
    public:
        explicit choice(int& count, bool is_one = true) noexcept : count_{count}, is_one_{is_one} {
            count_ += is_one_;
        }
        choice(choice const&) = delete;
        choice& operator=(choice const&) = delete;
        ~choice() { count_ -= is_one_; }

    private:
        int& count_;
        int is_one_;
    };

    /// A schema that contains itself ends where there is a choice: an empty list, the other branch, no such member.
    bj::value follow(bj::value const& target, std::string_view name, std::size_t nth, int level) {
        for (followed const& one : following_)
            if (one.target == &target && choices_ > one.choices) throw no_instance{};
        following_.push_back({&target, choices_});
        try {
            bj::value made = make(target, name, nth, level + 1);
            following_.pop_back();
            return made;
        } catch (no_instance const&) {
            following_.pop_back();
            throw;
        }
    }

    static bj::array const* array_at(bj::object const& rules, std::string_view key) {
        bj::value const* const found = rules.if_contains({key.data(), key.size()});
        return found != nullptr ? found->if_array() : nullptr;
    }
    static bj::object const* object_at(bj::object const& rules, std::string_view key) {
        bj::value const* const found = rules.if_contains({key.data(), key.size()});
        return found != nullptr ? found->if_object() : nullptr;
    }
    static std::optional<double> number_at(bj::object const& rules, std::string_view key) {
        bj::value const* const found = rules.if_contains({key.data(), key.size()});
        if (found == nullptr || !found->is_number()) return std::nullopt;
        return found->to_number<double>();
    }
    static std::size_t size_at(bj::object const& rules, std::string_view key,
                               std::size_t otherwise) {
        std::optional<double> const found = number_at(rules, key);
        if (!found || *found < 0) return otherwise;
        if (*found > 1e9) return std::numeric_limits<std::size_t>::max();
        return static_cast<std::size_t>(*found);
    }

    bj::value const& resolve(bj::value const& ref) const {
        bj::string const* const text = ref.if_string();
        if (text == nullptr || text->empty() || text->front() != '#') throw no_instance{};
        bj::error_code missing;
        bj::value const* const found =
            root_.find_pointer({text->data() + 1, text->size() - 1}, missing);
        if (found == nullptr) throw no_instance{};
        return *found;
    }

    /// Both schemas as one: members of objects are joined, lists of names appended, and otherwise the later one counts.
    static void merge_into(bj::object& all, bj::object const& part) {
        for (auto const& [key, value] : part) {
            bj::value* const present = all.if_contains(key);
            if (present != nullptr && key == "required" && present->is_array() &&
                value.is_array()) {
                for (bj::value const& one : value.get_array()) present->get_array().push_back(one);
            } else if (present != nullptr && present->is_object() && value.is_object()) {
                merge_into(present->get_object(), value.get_object());
            } else {
                all.insert_or_assign(key, value);
            }
        }
    }

    bj::value merged(bj::object const& rules, bj::array const& parts) const {
        bj::object all = rules;
        all.erase("allOf");
        for (bj::value const& part : parts) {
            bj::value const* one = &part;
            for (int hops = 0; one->is_object() && one->get_object().contains("$ref"); ++hops) {
                if (hops == max_levels) throw no_instance{};
                one = &resolve(one->get_object().at("$ref"));
            }
            if (one->is_object()) merge_into(all, one->get_object());
        }
        return all;
    }

    bj::value first_of(bj::object const& rules, std::string_view either, bj::array const& branches,
                       std::string_view name, std::size_t nth, int level) {
        for (bj::value const& branch : branches) {
            choice const chosen{choices_, &branch != &branches.back()};
            bj::array one;
            one.push_back(branch);
            bj::object rest = rules;
            rest.erase({either.data(), either.size()});
            try {
                if (rest.empty() || only_annotates(rest)) return make(branch, name, nth, level + 1);
                rest.insert_or_assign("allOf", std::move(one));
                return make(rest, name, nth, level + 1);
            } catch (no_instance const&) {
                if (steps_ > max_steps) throw;
            }
        }
        throw no_instance{};
    }

    static bool only_annotates(bj::object const& rules) {
        constexpr std::array<std::string_view, 6> annotations = {
            "title", "description", "default", "examples", "$defs", "$schema"};
        return std::all_of(rules.begin(), rules.end(), [&](auto const& rule) {
            return std::find(annotations.begin(), annotations.end(),
                             std::string_view{rule.key().data(), rule.key().size()}) !=
                   annotations.end();
        });
    }

    static std::string_view type_of(bj::object const& rules) {
        bj::value const* type = rules.if_contains("type");
        if (type != nullptr && type->is_array() && !type->get_array().empty())
            type = &type->get_array().front();
        if (type != nullptr && type->is_string()) return view(type->get_string());
        if (rules.contains("properties") || rules.contains("required") ||
            rules.contains("additionalProperties"))
            return "object";
        if (rules.contains("items") || rules.contains("prefixItems")) return "array";
        if (rules.contains("minimum") || rules.contains("maximum") || rules.contains("multipleOf"))
            return "number";
        return "string";
    }

    bj::value of_type(std::string_view type, bj::object const& rules, std::string_view name,
                      std::size_t nth, int level) {
        if (type == "string") return make_string(rules, name, nth);
        if (type == "integer") return make_number(rules, nth, true);
        if (type == "number") return make_number(rules, nth, false);
        if (type == "boolean") return bj::value(nth % 2 == 0);
        if (type == "null") return bj::value(nullptr);
        if (type == "array") return make_array(rules, name, level);
        if (type == "object") return make_object(rules, level);
        throw no_instance{};
    }

    static bj::value word(std::string_view name, std::size_t nth) {
        std::string text{name};
        if (nth != 0) text += ' ' + std::to_string(nth + 1);
        return bj::value(bj::string_view{text.data(), text.size()});
    }

    bj::value make_string(bj::object const& rules, std::string_view name, std::size_t nth) {
        if (bj::value const* const format = rules.if_contains("format");
            format != nullptr && format->is_string())
            for (known_format const& one : formats)
                if (one.name == view(format->get_string()))
                    return bj::value(bj::string_view{one.example.data(), one.example.size()});
        std::size_t const least = size_at(rules, "minLength", 0);
        std::size_t const most =
            size_at(rules, "maxLength", std::numeric_limits<std::size_t>::max());
        if (least > most || least > max_text_bytes) throw no_instance{};
        bj::value made = word(name, nth);
        bj::string& text = made.get_string();
        std::size_t characters = count_code_points(view(text));
        if (characters >
            most) { // names of properties may be anything: fall back on what can be cut anywhere
            std::string const digits = std::to_string(nth);
            text.assign(most, 'x');
            std::size_t const shown = std::min(most, digits.size());
            std::copy_n(digits.end() - static_cast<std::ptrdiff_t>(shown), nth == 0 ? 0 : shown,
                        text.end() - shown);
            characters = most;
        }
        if (characters < least) text.append(least - characters, '.');
        spend(text.size());
        return made;
    }

    static std::size_t count_code_points(std::string_view text) noexcept {
        return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
            return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
        }));
    }

    static bj::value make_number(bj::object const& rules, std::size_t nth, bool whole) {
        double step = number_at(rules, "multipleOf").value_or(whole ? 1.0 : 0.0);
        if (step < 0) throw no_instance{};
        if (whole && step != std::floor(step)) step = 1.0;
        double least =
            number_at(rules, "minimum").value_or(-std::numeric_limits<double>::infinity());
        double most = number_at(rules, "maximum").value_or(std::numeric_limits<double>::infinity());
        bool open_below = false;
        bool open_above = false;
        read_exclusive(rules, "exclusiveMinimum", least, open_below, std::greater_equal<>{});
        read_exclusive(rules, "exclusiveMaximum", most, open_above, std::less_equal<>{});

        double number = 0;
        if (least > 0 || (open_below && least == 0))
            number = least;
        else if (most < 0 || (open_above && most == 0))
            number = most;
        bool const downwards = number == most && number != least && number <= 0 && most <= 0;
        if (step > 0) {
            number = (downwards ? std::floor(number / step) : std::ceil(number / step)) * step;
            if (open_below && number <= least) number += step;
            if (open_above && number >= most && downwards) number -= step;
            number += (downwards ? -1 : 1) * static_cast<double>(nth) * step;
        } else {
            if ((open_below && number <= least) || (open_above && number >= most)) {
                bool const bounded = std::isfinite(least) && std::isfinite(most);
                number = bounded ? least + (most - least) / 2 : number + (number <= least ? 1 : -1);
            }
            double const other = number + (downwards ? -1 : 1) * static_cast<double>(nth);
            bool const fits = other >= least && other <= most && !(open_below && other <= least) &&
                              !(open_above && other >= most);
            number = fits ? other
                          : number + (most - number) * static_cast<double>(nth) /
                                         static_cast<double>(nth + 2);
        }
        if (number < least || number > most || (open_below && number == least) ||
            (open_above && number == most))
            throw no_instance{};
        if (number == std::floor(number) && std::abs(number) < 9e15)
            return bj::value(static_cast<std::int64_t>(number));
        if (whole) throw no_instance{};
        return bj::value(number);
    }

    /// The bound as a number (since draft 6), or as a flag beside the inclusive one (draft 4).
    template <class Tighter>
    static void read_exclusive(bj::object const& rules, std::string_view key, double& bound,
                               bool& open, Tighter tighter) {
        bj::value const* const found = rules.if_contains({key.data(), key.size()});
        if (found == nullptr) return;
        if (found->is_bool()) {
            open = found->get_bool();
        } else if (found->is_number()) {
            auto const exclusive = found->to_number<double>();
            if (!tighter(exclusive, bound)) return;
            bound = exclusive;
            open = true;
        }
    }

    bj::value make_array(bj::object const& rules, std::string_view name, int level) {
        bj::array made;
        bj::array const* first = array_at(rules, "prefixItems");
        bj::value const* items = rules.if_contains("items");
        if (items != nullptr && items->is_array()) { // draft 4 to 2019-09
            first = &items->get_array();
            items = rules.if_contains("additionalItems");
        }
        std::size_t const most =
            size_at(rules, "maxItems", std::numeric_limits<std::size_t>::max());
        std::size_t const least = size_at(rules, "minItems", 0);
        // One element shows more than none, where it can be made at all.
        std::size_t const wanted =
            std::max({least, first != nullptr ? first->size() : 0, std::size_t{items != nullptr}});
        bj::value const anything(true);
        for (std::size_t i = 0; i < std::min(wanted, most); ++i) {
            bj::value const& rule = first != nullptr && i < first->size() ? (*first)[i]
                                    : items != nullptr                    ? *items
                                                                          : anything;
            choice const chosen{choices_, i >= least};
            try {
                made.push_back(make(rule, name, i, level + 1));
            } catch (no_instance const&) {
                if (i < least || steps_ > max_steps) throw;
                break;
            }
        }
        if (made.size() < least) throw no_instance{};
        return made;
    }

    bj::value make_object(bj::object const& rules, int level) {
        bj::object made;
        bj::object const* const properties = object_at(rules, "properties");
        bj::array const* const required = array_at(rules, "required");
        auto const is_required = [&](bj::string_view key) {
            return required != nullptr &&
                   std::any_of(required->begin(), required->end(), [&](bj::value const& one) {
                       return one.is_string() && one.get_string() == key;
                   });
        };
        if (properties != nullptr) {
            for (auto const& [key, rule] : *properties) {
                bool const needed = is_required(key);
                if (!needed && required != nullptr) continue;
                choice const chosen{choices_, !needed};
                try {
                    add(made, key, make(rule, {key.data(), key.size()}, 0, level + 1));
                } catch (no_instance const&) {
                    if (needed || steps_ > max_steps) throw;
                }
            }
        }
        bj::value const anything(true);
        bj::value const* const others = rules.if_contains("additionalProperties");
        if (required != nullptr)
            for (bj::value const& one : *required)
                if (one.is_string() && !made.contains(one.get_string()))
                    add(made, one.get_string(),
                        make(others != nullptr ? *others : anything, view(one.get_string()), 0,
                             level + 1));
        for (std::size_t i = 1; made.size() < size_at(rules, "minProperties", 0); ++i) {
            std::string const name = "property " + std::to_string(i);
            add(made, name, make(others != nullptr ? *others : anything, name, i, level + 1));
        }
        return made;
    }

    void add(bj::object& to, bj::string_view key, bj::value value) {
        spend(key.size());
        to.insert_or_assign(key, std::move(value));
    }

    void spend(std::size_t bytes) {
        text_bytes_ += bytes;
        if (text_bytes_ > max_text_bytes) throw no_instance{};
    }

    bj::value const& root_;
    std::vector<followed> following_;
    int choices_ = 0;
    int steps_ = 0;
    std::size_t text_bytes_ = 0;
};

void append_spaced(std::string& out, bj::value const& value) {
    if (bj::object const* const object = value.if_object()) {
        out += '{';
        bool first = true;
        for (auto const& [key, member] : *object) {
            if (!std::exchange(first, false)) out += ", ";
            json::append_quoted(out, {key.data(), key.size()});
            out += ": ";
            append_spaced(out, member);
        }
        out += '}';
    } else if (bj::array const* const array = value.if_array()) {
        out += '[';
        bool first = true;
        for (bj::value const& element : *array) {
            if (!std::exchange(first, false)) out += ", ";
            append_spaced(out, element);
        }
        out += ']';
    } else if (value.is_double()) {
        json::append_number(out, value.get_double());
    } else {
        out += bj::serialize(value);
    }
}

} // namespace

result<bj::value> schema_instance(std::string_view schema) {
    result<bj::value> const parsed = json::parse(schema);
    if (!parsed) return parsed.error();
    try {
        return generator{*parsed}.make(*parsed, "text", 0, 0);
    } catch (no_instance const&) {
        return rejection{rejection_code::bad_request,
                         "no document fits this JSON schema within the limits of echo"}
            .because("invalid_schema");
    }
}

std::string spaced_text(bj::value const& document) {
    std::string text;
    append_spaced(text, document);
    return text;
}

} // namespace mcp_provider::server::agents
