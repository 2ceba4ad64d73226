#include "agents/model_catalogue.hpp"

#include "mcp_provider/core/rejection.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>

namespace mcp_provider::server::agents {

namespace ag = mcp_provider::agent;

namespace {

constexpr std::size_t max_name_bytes = 128;

bool is_plain(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"-_.:/"}.find(c) != std::string_view::npos;
}

} // namespace

std::string shown_name(std::string_view id) {
    std::string name;
    for (char const c : id.substr(0, max_name_bytes)) {
        if (is_plain(c))
            name += c;
        else if (!name.empty() && name.back() != '-')
            name += '-';
    }
    while (!name.empty() && name.back() == '-') name.pop_back();
    return name;
}

model_catalogue::model_catalogue(std::string_view family,
                                 std::vector<std::pair<std::string, std::string>> aliases,
                                 std::uint64_t context_tokens, std::uint8_t cannot)
    : family_{family}, aliases_{std::move(aliases)}, context_tokens_{context_tokens}, cannot_{
                                                                                          cannot} {
    set({}, 0);
}

ag::model_list model_catalogue::models() const {
    std::lock_guard const lock{mutex_};
    return list_;
}

result<std::string> model_catalogue::id_of(std::string_view name) const {
    std::lock_guard const lock{mutex_};
    for (std::size_t i = 0; i != list_->size(); ++i)
        if ((*list_)[i].name == name) return ids_[i];
    return rejection{rejection_code::not_found, "model '" + std::string{name} + "' not found"}
        .because("model_not_found");
}

void model_catalogue::set(std::vector<agent_model> const& listed, std::uint16_t abilities) {
    auto made = std::make_shared<std::vector<ag::model>>();
    std::vector<std::string> ids;
    auto const add = [&](std::string name, std::string id) {
        bool const is_taken = std::any_of(made->begin(), made->end(),
                                          [&](ag::model const& one) { return one.name == name; });
        if (name.empty() || is_taken) return;
        made->emplace_back(
            std::move(name),
            static_cast<decltype(ag::model::can)>(ag::capability::completion | abilities),
            context_tokens_, family_);
        made->back().cannot = cannot_;
        ids.push_back(std::move(id));
    };
    // The aliases first: they are what the operator wants to be seen.
    for (auto const& [name, target] : aliases_) {
        auto const known = std::find_if(listed.begin(), listed.end(),
                                        [&, &wanted = target](agent_model const& one) {
                                            return one.id == wanted || shown_name(one.id) == wanted;
                                        });
        std::string const id = known != listed.end() ? known->id : target;
        add(name, target == default_name ? std::string{} : id);
    }
    add(std::string{default_name}, {});
    for (agent_model const& one : listed) add(shown_name(one.id), one.id);
    std::lock_guard const lock{mutex_};
    list_ = std::move(made);
    ids_ = std::move(ids);
}

} // namespace mcp_provider::server::agents
