// An agent of the Agent Client Protocol that speaks as its prompt says: [tokens=N rate=R delay=0], each token with the
// time of its writing, as the mock upstream's (see token_finder). It knows just enough JSON for that.
#include "arguments.hpp"
#include "descriptor.hpp"

#include <poll.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>

namespace {

/// What stands behind `name` up to one of `ends`.
std::string_view behind(std::string_view text, std::string_view name, std::string_view ends) {
    std::size_t const at = text.find(name);
    if (at == std::string_view::npos) return {};
    text.remove_prefix(at + name.size());
    return text.substr(0, text.find_first_of(ends));
}

struct turn {
    std::string id;
    std::string session;
    std::int64_t left;
    std::int64_t interval;
    std::int64_t due;
};

class agent {
public:
    void run() {
        for (;;) {
            std::int64_t const wait = next_due();
            pollfd input{0, POLLIN, 0};
            timespec const patience{wait / 1'000'000'000, wait % 1'000'000'000};
            int const ready = ::ppoll(&input, 1, wait < 0 ? nullptr : &patience, nullptr);
            if (ready > 0 && !read_some()) return;
            speak();
        }
    }

private:
    std::int64_t next_due() const {
        std::int64_t wait = -1;
        for (turn const& one : turns_) {
            std::int64_t const left = std::max<std::int64_t>(0, one.due - load::now());
            if (wait < 0 || left < wait) wait = left;
        }
        return wait;
    }

    bool read_some() {
        char bytes[65536];
        ssize_t const got = ::read(0, bytes, sizeof bytes);
        if (got <= 0) return false;
        input_.append(bytes, static_cast<std::size_t>(got));
        std::size_t end = 0;
        while ((end = input_.find('\n')) != std::string::npos) {
            take(std::string_view{input_}.substr(0, end));
            input_.erase(0, end + 1);
        }
        return true;
    }

    void take(std::string_view line) {
        std::string const id{behind(line, "\"id\":", ",}")};
        std::string_view const method = behind(line, "\"method\":\"", "\"");
        std::string const session{behind(line, "\"sessionId\":\"", "\"")};
        if (method == "initialize") {
            answer(id, R"({"protocolVersion":1,"agentCapabilities":{}})");
        } else if (method == "session/new") {
            answer(id, R"({"sessionId":"s)" + std::to_string(++sessions_) + "\"}");
        } else if (method == "session/cancel") {
            for (turn& one : turns_)
                if (one.session == session) one.left = 0;
        } else if (method == "session/prompt") {
            auto const number = [&](std::string_view name) {
                return load::arguments::to_number(std::string{behind(line, name, " ]")});
            };
            turns_.push_back(
                {id, session, number("[tokens="), 1'000'000'000 / number(" rate="), load::now()});
        }
    }

    void speak() {
        for (auto one = turns_.begin(); one != turns_.end();) {
            if (one->left == 0) {
                answer(one->id, R"({"stopReason":"end_turn"})");
                one = turns_.erase(one);
                continue;
            }
            if (one->due <= load::now()) {
                --one->left;
                one->due += one->interval;
                write(
                    R"({"jsonrpc":"2.0","method":"session/update","params":{"sessionId":")" +
                    one->session +
                    R"(","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"@)" +
                    std::to_string(load::now()) + R"(;"}}}})");
            }
            ++one;
        }
    }

    void answer(std::string const& id, std::string const& result) {
        write(R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + result + '}');
    }
    static void write(std::string line) {
        line += '\n';
        for (std::string_view left = line; !left.empty();) {
            ssize_t const sent = ::write(1, left.data(), left.size());
            if (sent <= 0) return;
            left.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    std::string input_;
    std::list<turn> turns_;
    int sessions_ = 0;
};

} // namespace

int main() { agent{}.run(); }
