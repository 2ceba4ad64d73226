// Finds the service for a request by path and method.
#pragma once

#include "mcp_provider/http/channel.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/pipeline/any_service.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider {

/// A table of routes, filled at start and then only read. HEAD goes to the service of GET.
/// *Thread safety*: `find` and `allowed_methods` are safe to call from several workers.
class router final : public dispatcher {
public:
    /// Adds a route. A path that ends in `/*` takes everything below it; an exact path wins over it, a longer prefix over a
    /// shorter one. Precondition: the same method and path were not added before.
    void add(http::method verb, std::string_view path, any_service one) {
        bool const prefix = path.ends_with("/*");
        if (prefix) path.remove_suffix(1);
        auto& list = prefix ? prefixes_ : exact_;
        auto at =
            std::find_if(list.begin(), list.end(), [&](node const& n) { return n.path == path; });
        if (at == list.end()) {
            list.push_back(node{std::string{path}, {}});
            std::sort(list.begin(), list.end(), prefix ? &longer : &before);
            at = std::find_if(list.begin(), list.end(),
                              [&](node const& n) { return n.path == path; });
        }
        at->methods.emplace_back(verb, std::move(one));
    }

    /// What serves a path that no route has (404) or has for other methods only (405).
    void otherwise(any_service one) { otherwise_ = std::move(one); }
    /// What serves a request that could not be read; its `http::request` holds what was understood.
    void malformed(any_service one) { malformed_ = std::move(one); }

    asio::awaitable<void> serve(http::request const& asked, channel& io) const override {
        any_service const* const one = asked.malformation() != nullptr ? find_malformed() : find(asked);
        return one != nullptr ? one->serve(asked, io) : serve_nothing();
    }

    /// The service for a request; null where there is none. *Complexity*: logarithmic in the number of paths.
    [[nodiscard]] any_service const* find(http::request const& asked) const noexcept {
        if (node const* const at = find_node(asked.path())) {
            auto const verb = asked.verb() == http::method::head ? http::method::get : asked.verb();
            for (auto const& [method, one] : at->methods)
                if (method == verb) return &one;
        }
        return otherwise_ ? &*otherwise_ : nullptr;
    }
    [[nodiscard]] any_service const* find_malformed() const noexcept {
        return malformed_ ? &*malformed_ : nullptr;
    }

    /// The methods of a path for an `Allow` field; empty where no route has the path.
    [[nodiscard]] std::string allowed_methods(std::string_view path) const {
        std::string out;
        node const* const at = find_node(path);
        if (at == nullptr) return out;
        for (auto const& [method, one] : at->methods) {
            if (!out.empty()) out += ", ";
            out += name_of(method);
            if (method == http::method::get) out += ", HEAD";
        }
        return out;
    }

private:
    static asio::awaitable<void> serve_nothing() { co_return; }

    struct node {
        std::string path;
        std::vector<std::pair<http::method, any_service>> methods;
    };

    static bool before(node const& a, node const& b) noexcept { return a.path < b.path; }
    static bool longer(node const& a, node const& b) noexcept {
        return a.path.size() > b.path.size();
    }
    static std::string_view name_of(http::method verb) noexcept {
        switch (verb) {
        case http::method::get: return "GET";
        case http::method::head: return "HEAD";
        case http::method::post: return "POST";
        case http::method::put: return "PUT";
        case http::method::patch: return "PATCH";
        case http::method::del: return "DELETE";
        case http::method::options: return "OPTIONS";
        case http::method::connect: return "CONNECT";
        case http::method::trace: return "TRACE";
        case http::method::other: break;
        }
        return "";
    }
    [[nodiscard]] node const* find_node(std::string_view path) const noexcept {
        auto const at =
            std::lower_bound(exact_.begin(), exact_.end(), path,
                             [](node const& n, std::string_view p) { return n.path < p; });
        if (at != exact_.end() && at->path == path) return &*at;
        for (node const& one : prefixes_)
            if (path.size() > one.path.size() && path.starts_with(one.path)) return &one;
        return nullptr;
    }

    std::vector<node> exact_;
    std::vector<node> prefixes_;
    std::optional<any_service> otherwise_;
    std::optional<any_service> malformed_;
};

} // namespace mcp_provider
