// Who is asking, once authentication has found out.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider {

/// What a caller may do. A set of these is a `scopes`.
enum class scope : std::uint8_t {
    discover = 1,
    generate = 2,
    metrics = 4,
    events = 8,
    agent = 16,
    admin = 32
};

/// A set of `scope`s in one byte.
class scopes {
public:
    constexpr scopes() noexcept = default;
    constexpr scopes(scope one) noexcept : bits_{static_cast<std::uint8_t>(one)} {}
    [[nodiscard]] constexpr bool has(scope one) const noexcept {
        return (bits_ & static_cast<std::uint8_t>(one)) != 0;
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
    [[nodiscard]] constexpr scopes operator|(scopes other) const noexcept {
        scopes both;
        both.bits_ = static_cast<std::uint8_t>(bits_ | other.bits_);
        return both;
    }
    constexpr bool operator==(scopes const&) const noexcept = default;

    [[nodiscard]] static constexpr scopes all() noexcept {
        scopes every;
        every.bits_ = 63;
        return every;
    }

private:
    std::uint8_t bits_ = 0;
};

[[nodiscard]] constexpr scopes operator|(scope a, scope b) noexcept {
    return scopes{a} | scopes{b};
}

/// The name of a scope as configuration and messages spell it.
[[nodiscard]] constexpr std::string_view name_of(scope one) noexcept {
    switch (one) {
    case scope::discover: return "discover";
    case scope::generate: return "generate";
    case scope::metrics: return "metrics";
    case scope::events: return "events";
    case scope::agent: return "agent";
    case scope::admin: return "admin";
    }
    return "";
}

/// The scope of that name, or nothing.
[[nodiscard]] constexpr std::optional<scope> scope_of(std::string_view name) noexcept {
    for (scope one : {scope::discover, scope::generate, scope::metrics, scope::events, scope::agent,
                      scope::admin})
        if (name_of(one) == name) return one;
    return std::nullopt;
}

/// What stands behind a principal, shared by all its requests and never changed after it is made.
struct identity {
    enum class kind : std::uint8_t { key, local_user, anonymous };

    std::string id;    ///< stable and not secret: `key_4f2a…`, `uid:1000`, `anonymous`
    std::string label; ///< for people: the label of the key, the name of the user
    kind known_by = kind::anonymous;
    scopes may;
    std::vector<std::string> models;  ///< allow-list of models; empty means all
    std::optional<std::uint32_t> uid; ///< the local user, where known
    std::optional<std::chrono::system_clock::time_point> expires;
};

/// A caller that is known. Cheap to copy; a fact that `authenticate` provides.
/// *Thread safety*: safe, the identity is immutable.
class principal {
public:
    explicit principal(std::shared_ptr<identity const> who) noexcept : who_{std::move(who)} {}

    [[nodiscard]] std::shared_ptr<identity const> const& who() const noexcept { return who_; }
    [[nodiscard]] std::string const& id() const noexcept { return who_->id; }
    [[nodiscard]] std::string const& label() const noexcept { return who_->label; }
    [[nodiscard]] identity::kind known_by() const noexcept { return who_->known_by; }
    [[nodiscard]] std::optional<std::uint32_t> uid() const noexcept { return who_->uid; }
    [[nodiscard]] bool may(scope what) const noexcept { return who_->may.has(what); }
    /// When what it is known by ends; nothing for never.
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> expires() const noexcept {
        return who_->expires;
    }
    /// Whether the model is on the principal's allow-list; an empty list allows all.
    /// The tag `:latest` may be left out on either side.
    [[nodiscard]] bool may_use(std::string_view model) const noexcept {
        if (who_->models.empty()) return true;
        for (std::string const& one : who_->models)
            if (untagged(one) == untagged(model)) return true;
        return false;
    }

private:
    static std::string_view untagged(std::string_view model) noexcept {
        constexpr std::string_view latest = ":latest";
        if (model.ends_with(latest)) model.remove_suffix(latest.size());
        return model;
    }

    std::shared_ptr<identity const> who_;
};

} // namespace mcp_provider
