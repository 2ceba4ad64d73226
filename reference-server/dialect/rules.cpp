#include "dialect/rules.hpp"

#include "mcp_provider/core/byte_block.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace mcp_provider::server {

namespace {

std::string_view without_latest(std::string_view name) noexcept {
    constexpr std::string_view latest = ":latest";
    if (name.ends_with(latest)) name.remove_suffix(latest.size());
    return name;
}

} // namespace

result<> check_model_name(std::string_view name, generation_rules const& rules,
                          std::string_view where) {
    if (name.empty())
        return rejection{rejection_code::bad_request, "model is required"}.at(std::string{where});
    if (!rules.model_pattern ||
        re2::RE2::FullMatch({name.data(), name.size()}, *rules.model_pattern))
        return {};
    return rejection{rejection_code::bad_request,
                     "model name has characters that are not allowed; it must match " +
                         rules.model_pattern_text}
        .because("invalid_model_name")
        .at(std::string{where});
}

std::size_t count_characters(std::string_view utf8) noexcept {
    constexpr auto begins = [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; // not the rest of a sequence
    };
    std::size_t characters = 0;
    while (utf8.size() >= byte_block_size) {
        byte_block rests{};
        std::size_t bytes = 0;
        // A sum of so many blocks fits a byte.
        for (int blocks = 0; blocks != 255 && utf8.size() >= byte_block_size; ++blocks) {
            rests += reinterpret_cast<byte_block>((load_block(utf8.data()) & std::uint8_t{0xC0}) ==
                                                  std::uint8_t{0x80}) &
                     std::uint8_t{1};
            utf8.remove_prefix(byte_block_size);
            bytes += byte_block_size;
        }
        characters += bytes - sum(rests);
    }
    return characters + static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), begins));
}

agent::model const* find_model(agent::model_list const& models, std::string_view name) noexcept {
    for (agent::model const& one : *models)
        if (without_latest(one.name) == without_latest(name)) return &one;
    return nullptr;
}

result<agent::model const*> choose_model(agent::model_list const& models, std::string_view name,
                                         principal const& who, std::uint8_t needs,
                                         std::string_view what_for) {
    if (models->empty())
        return rejection{rejection_code::overloaded,
                         "no model is on offer yet: the agent's upstream has not answered"}
            .because("no_models")
            .come_again_in(std::chrono::seconds{5});
    agent::model const* const found = find_model(models, name);
    if (found == nullptr)
        return rejection{rejection_code::not_found, "model '" + std::string{name} + "' not found"}
            .because("model_not_found");
    if (!who.may_use(found->name))
        return rejection{rejection_code::forbidden,
                         "this key may not use model '" + std::string{name} + "'"}
            .because("model_not_allowed");
    if (!found->has(needs))
        return rejection{rejection_code::bad_request,
                         '"' + std::string{name} + "\" does not support " + std::string{what_for}}
            .because("unsupported_by_model");
    return found;
}

} // namespace mcp_provider::server
