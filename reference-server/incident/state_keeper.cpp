#include "incident/state_keeper.hpp"

#include "config/private_file.hpp"

#include <algorithm>
#include <utility>

namespace mcp_provider::server {

namespace {

constexpr std::chrono::seconds patience{10}; // for counts and times of activity

/// What must not be lost: the same state without what every request changes.
std::string grave_part(saved_state state) {
    std::erase_if(state.sessions, [](session_record const& one) {
        return one.state == session_state::active && !one.is_explicit;
    });
    for (session_record& one : state.sessions) {
        one.last_activity = {};
        one.request_count = 0;
    }
    return write_state(state);
}

} // namespace

void state_keeper::load(identity_finder const& find) {
    saved_state const state = read_state_file(file_);
    real_clock const clock;
    for (saved_block const& one : state.blocks)
        if (one.until > clock.system())
            blocks_.block(one.who, one.until - clock.system(), clock.steady(), one.why);
    sessions_.restore(state.sessions, find);
}

saved_state state_keeper::gather() const {
    saved_state state;
    real_clock const clock;
    auto const now = clock.steady();
    auto const today = clock.system();
    blocks_.for_each_block(
        now, [&](std::string_view who, std::chrono::nanoseconds left, block_reason why) {
            // To the second: what is left and what time it is are read at two moments, and an unchanged block must
            // give an unchanged file.
            state.blocks.push_back(
                {std::string{who}, std::chrono::round<std::chrono::seconds>(today + left), why});
        });
    std::sort(state.blocks.begin(), state.blocks.end(),
              [](saved_block const& a, saved_block const& b) { return a.who < b.who; });
    state.sessions = sessions_.list();
    return state;
}

std::error_code state_keeper::save_if_due() {
    std::lock_guard const hold{mutex_};
    saved_state state = gather();
    std::string text = write_state(state);
    if (text == written_) return {};
    std::string grave = grave_part(std::move(state));
    if (grave == grave_written_ && std::chrono::steady_clock::now() < written_at_ + patience)
        return {};
    return write(std::move(text), std::move(grave));
}

std::error_code state_keeper::save() {
    std::lock_guard const hold{mutex_};
    saved_state state = gather();
    std::string text = write_state(state);
    if (text == written_) return {};
    return write(std::move(text), grave_part(std::move(state)));
}

std::error_code state_keeper::write(std::string text, std::string grave) {
    std::error_code const failure = replace_private_file(file_, text);
    if (failure) return failure;
    written_ = std::move(text);
    grave_written_ = std::move(grave);
    written_at_ = std::chrono::steady_clock::now();
    return {};
}

} // namespace mcp_provider::server
