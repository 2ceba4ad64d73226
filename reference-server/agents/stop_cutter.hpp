// Ends an answer at a stop sequence, for agents that know of none.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

/// Holds back what could be the beginning of a stop sequence, so that none of it goes out, wherever the pieces are cut.
/// Among sequences that match, the one that begins first ends the answer. *Complexity*: linear in the text times the
/// bytes of all sequences; they are few and short.
class stop_cutter {
public:
    stop_cutter() = default;
    explicit stop_cutter(std::vector<std::string> sequences) : sequences_{std::move(sequences)} {
        std::erase_if(sequences_, [](std::string const& one) { return one.empty(); });
    }

    /// Takes a piece, and returns what may go out. *Lifetime*: until the next call.
    [[nodiscard]] std::string_view feed(std::string_view piece) {
        if (stopped_) return {};
        if (sequences_.empty()) return piece;
        held_.erase(0, std::exchange(gone_, 0));
        held_.append(piece);
        for (std::size_t at = 0; at != held_.size(); ++at) {
            std::string_view const rest = std::string_view{held_}.substr(at);
            for (std::string_view const stop : sequences_) {
                if (rest.starts_with(stop)) {
                    stopped_ = true;
                    return std::string_view{held_}.substr(0, at);
                }
            }
            if (std::any_of(sequences_.begin(), sequences_.end(), [&](std::string const& stop) {
                    return rest.size() < stop.size() && stop.starts_with(rest);
                })) {
                gone_ = at;
                return std::string_view{held_}.substr(0, at);
            }
        }
        gone_ = held_.size();
        return held_;
    }

    /// What was held back; the answer has ended without a stop sequence.
    [[nodiscard]] std::string_view rest() {
        if (stopped_ || sequences_.empty()) return {};
        held_.erase(0, std::exchange(gone_, 0));
        gone_ = held_.size();
        return held_;
    }

    [[nodiscard]] bool stopped() const noexcept { return stopped_; }

private:
    std::vector<std::string> sequences_;
    std::string held_;
    std::size_t gone_ = 0; // of `held_`, that went out
    bool stopped_ = false;
};

} // namespace mcp_provider::server::agents
