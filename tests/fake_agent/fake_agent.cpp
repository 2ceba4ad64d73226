// A scripted agent of the Agent Client Protocol. What it does wrong, and when, it is told by its arguments (from its start
// on) and by the last line of a prompt (in that turn):
//
//   fake_agent [exit] [banner] [garbage] [deaf] [login] [protocol] [models] [legacy] [images] [flood] [family=FILE] [slow=MS]
//
//   say TEXT           answers TEXT, a word a piece          session            tells its session and how many turns it had
//   count N MS         N numbers, one every MS               history            repeats the whole prompt
//   stamp N MS         as count, but the time in ns          env | cwd          tells its environment, its folder
//   think              reasons, then answers                 model              tells the model of the session
//   permit KIND        asks once for a permission            permit-forever     asks again and again
//   permit-many        asks for 40 at once                   write FILE         asks, and writes it where it may
//   never | forever    answers nothing, or without end       stubborn           counts on when it is cancelled
//   exit | crash       ends in the middle                    late               sends the last piece behind the answer
//   twice              answers the prompt twice              ask                asks us for what no client has
//   garbage | broken   writes what is no message             long N             writes a line of N bytes
//   stop REASON        ends with that reason                 error | usage | silent
#include <boost/json.hpp>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <list>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern char** environ;

namespace {

namespace bj = boost::json;

std::int64_t now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void write_all(std::string_view text) {
    while (!text.empty()) {
        ssize_t const sent = ::write(1, text.data(), text.size());
        if (sent <= 0) std::exit(0);
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void send(bj::object message) {
    message["jsonrpc"] = "2.0";
    write_all(bj::serialize(message) + '\n');
}

void answer(bj::value const& id, bj::value result) {
    send({{"id", id}, {"result", std::move(result)}});
}

void refuse(bj::value const& id, int code, std::string_view text) {
    send({{"id", id}, {"error", {{"code", code}, {"message", text}}}});
}

void update(std::string const& session, bj::object what) {
    send({{"method", "session/update"},
          {"params", {{"sessionId", session}, {"update", std::move(what)}}}});
}

void chunk(std::string const& session, std::string_view text,
           std::string_view kind = "agent_message_chunk") {
    update(session, {{"sessionUpdate", kind}, {"content", {{"type", "text"}, {"text", text}}}});
}

struct turn {
    bj::value id;
    std::string session;
    std::string what;
    std::vector<std::string> words; ///< of the command
    std::int64_t step = 0;
    std::int64_t due = 0;
    int permissions = 0; ///< asked and not answered
    std::string verdict;
    bool is_cancelled = false;
};

struct known_session {
    int turns = 0;
    std::string model = "small";
};

class agent {
public:
    explicit agent(std::vector<std::string> const& arguments) {
        for (std::string const& one : arguments) {
            std::size_t const sign = one.find('=');
            options_[one.substr(0, sign)] = sign == std::string::npos ? "" : one.substr(sign + 1);
        }
    }

    int run() {
        if (has("exit")) return 3;
        if (has("family")) start_family();
        if (has("flood"))
            for (int i = 0; i != 200; ++i)
                std::fprintf(stderr, "%s\n", std::string(10'000, 'e').c_str());
        if (has("banner")) write_all("Welcome to the agent\n\n  version 1\n");
        if (has("garbage")) write_all(std::string(70'000, 'x') + "\n");
        for (;;) {
            std::int64_t wait = -1;
            for (turn const& one : turns_) {
                if (one.permissions != 0 && !one.is_cancelled) continue;
                std::int64_t const left = std::max<std::int64_t>(0, one.due - now_ns());
                if (wait < 0 || left < wait) wait = left;
            }
            pollfd input{0, POLLIN, 0};
            timespec const patience{wait / 1'000'000'000, wait % 1'000'000'000};
            int const ready = ::ppoll(&input, 1, wait < 0 ? nullptr : &patience, nullptr);
            if (ready > 0 && !read_some()) return 0;
            for (auto one = turns_.begin(); one != turns_.end();) {
                bool const waits = one->permissions != 0 && !one->is_cancelled;
                if (!waits && one->due <= now_ns() && !advance(*one))
                    one = turns_.erase(one);
                else
                    ++one;
            }
        }
    }

private:
    bool has(std::string const& option) const { return options_.contains(option); }

    // Children that ignore what should end them, one of them in a session of its own.
    void start_family() {
        std::ofstream ids{options_["family"], std::ios::app};
        for (int i = 0; i != 2; ++i) {
            pid_t const child = ::fork();
            if (child == 0) {
                std::signal(SIGTERM, SIG_IGN);
                std::signal(SIGHUP, SIG_IGN);
                if (i == 1) ::setsid();
                for (;;) ::pause();
            }
            ids << child << '\n';
        }
    }

    bool read_some() {
        char bytes[65536];
        ssize_t const got = ::read(0, bytes, sizeof bytes);
        if (got <= 0) return false;
        if (has("deaf")) return true;
        input_.append(bytes, static_cast<std::size_t>(got));
        std::size_t begin = 0;
        for (std::size_t end = 0; (end = input_.find('\n', begin)) != std::string::npos;
             begin = end + 1)
            take(bj::parse(std::string_view{input_}.substr(begin, end - begin)).as_object());
        input_.erase(0, begin);
        return true;
    }

    void take(bj::object const& message) {
        auto const* const method = message.if_contains("method");
        if (method == nullptr) return take_answer(message);
        std::string_view const name = method->as_string();
        bj::object const params =
            message.contains("params") ? message.at("params").as_object() : bj::object{};
        if (has("slow")) ::usleep(static_cast<unsigned>(std::stoi(options_["slow"])) * 1000);
        if (name == "session/cancel") {
            for (turn& one : turns_)
                if (one.session == params.at("sessionId").as_string() &&
                    one.words[0] != "stubborn") {
                    one.is_cancelled = true;
                    one.due = 0;
                }
            return;
        }
        bj::value const& id = message.at("id");
        if (name == "initialize") return initialize(id);
        if (name == "session/new") return open(id);
        if (name == "session/prompt") return begin(id, params);
        if (name == "session/set_config_option" || name == "session/set_model") {
            bool const legacy = name == "session/set_model";
            sessions_[std::string{params.at("sessionId").as_string()}].model =
                params.at(legacy ? "modelId" : "value").as_string();
            return answer(id, bj::object{});
        }
        if (name == "session/close") {
            sessions_.erase(std::string{params.at("sessionId").as_string()});
            return answer(id, bj::object{});
        }
        refuse(id, -32601, "no such method");
    }

    void initialize(bj::value const& id) {
        answer(id, {{"protocolVersion", has("protocol") ? 2 : 1},
                    {"agentCapabilities",
                     {{"promptCapabilities", {{"image", has("images")}}},
                      {"sessionCapabilities", {{"close", bj::object{}}}}}},
                    {"authMethods", {{{"id", "web"}, {"name", "Log in with a browser"}}}},
                    {"agentInfo", {{"name", "fake"}, {"version", "1"}}}});
    }

    void open(bj::value const& id) {
        if (has("login")) return refuse(id, -32000, "Authentication required");
        std::string const name = "s" + std::to_string(::getpid()) + "-" + std::to_string(++opened_);
        sessions_[name] = {};
        bj::object result{{"sessionId", name}};
        bj::array const choices{{{"value", "small"}, {"name", "Small"}},
                                {{"value", "claude [1m]"}, {"name", "Large"}}};
        if (has("models"))
            result["configOptions"] = {
                {{"id", "mode"},
                 {"category", "mode"},
                 {"type", "select"},
                 {"currentValue", "ask"},
                 {"options", {{{"value", "ask"}, {"name", "Ask"}}}}},
                {{"id", "model"},
                 {"category", "model"},
                 {"type", "select"},
                 {"currentValue", "small"},
                 {"options", {{{"group", "g"}, {"name", "G"}, {"options", choices}}}}}};
        if (has("legacy"))
            result["models"] = {{"currentModelId", "small"},
                                {"availableModels",
                                 {{{"modelId", "small"}, {"name", "Small"}},
                                  {{"modelId", "large"}, {"name", "Large"}}}}};
        answer(id, std::move(result));
    }

    void begin(bj::value const& id, bj::object const& params) {
        turn one;
        one.id = id;
        one.session = params.at("sessionId").as_string();
        auto const found = sessions_.find(one.session);
        if (found == sessions_.end()) return refuse(id, -32602, "no such session");
        ++found->second.turns;
        for (bj::value const& block : params.at("prompt").as_array())
            if (block.at("type").as_string() == "text")
                one.what += block.at("text").as_string();
            else
                one.what += "\nsay an image of " + std::string{block.at("mimeType").as_string()};
        std::string const last = one.what.substr(one.what.rfind('\n') + 1);
        std::istringstream words{last};
        for (std::string word; words >> word;) one.words.push_back(word);
        if (one.words.empty()) one.words.emplace_back("say");
        turns_.push_back(std::move(one));
    }

    void ask_permission(turn& one, std::string_view kind) {
        ++one.permissions;
        ++asked_;
        questions_[asked_] = &one;
        send({{"id", asked_},
              {"method", "session/request_permission"},
              {"params",
               {{"sessionId", one.session},
                {"toolCall",
                 {{"toolCallId", "t" + std::to_string(asked_)},
                  {"title", "rm -rf /"},
                  {"kind", kind}}},
                {"options",
                 {{{"optionId", "yes"}, {"name", "Allow"}, {"kind", "allow_once"}},
                  {{"optionId", "always"}, {"name", "Always"}, {"kind", "allow_always"}},
                  {{"optionId", "no"}, {"name", "Reject"}, {"kind", "reject_once"}}}}}}});
    }

    void take_answer(bj::object const& message) {
        auto const asked =
            questions_.find(message.at("id").is_string() ? 0 : message.at("id").to_number<int>());
        if (asked == questions_.end()) {
            last_error_ =
                message.contains("error") ? bj::serialize(message.at("error").at("code")) : "none";
            for (turn& one : turns_)
                if (one.words[0] == "ask") --one.permissions;
            return;
        }
        turn* const one = asked->second;
        questions_.erase(asked);
        for (turn& live : turns_) {
            if (&live != one) continue;
            --live.permissions;
            bj::object const& outcome = message.at("result").at("outcome").as_object();
            live.verdict = outcome.contains("optionId")
                               ? std::string{outcome.at("optionId").as_string()}
                               : std::string{outcome.at("outcome").as_string()};
        }
    }

    bool end(turn const& one, std::string_view reason = "end_turn") {
        answer(one.id, {{"stopReason", reason}});
        return false;
    }
    bool wait(turn& one, std::int64_t ms) {
        one.due = now_ns() + ms * 1'000'000;
        return true;
    }
    static std::int64_t number(turn const& one, std::size_t at, std::int64_t otherwise) {
        return one.words.size() > at ? std::stoll(one.words[at]) : otherwise;
    }

    /// One step of a turn; false at its end.
    bool advance(turn& one) {
        std::string const& what = one.words[0];
        std::int64_t const step = one.step++;
        if (one.is_cancelled) return end(one, "cancelled");
        if (what == "say") {
            if (step + 1 < static_cast<std::int64_t>(one.words.size())) {
                chunk(one.session,
                      (step == 0 ? "" : " ") + one.words[static_cast<std::size_t>(step) + 1]);
                return true;
            }
            return end(one);
        }
        if (what == "count" || what == "stamp" || what == "forever" || what == "stubborn") {
            if (what != "forever" && what != "stubborn" && step == number(one, 1, 3))
                return end(one);
            if (what == "forever")
                chunk(one.session, std::string(1'000, 'f'));
            else
                chunk(one.session, what == "stamp" ? std::to_string(now_ns()) + " "
                                                   : std::to_string(step + 1) + " ");
            return wait(one, what == "forever" ? 0 : number(one, 2, 10));
        }
        if (what == "session")
            return say_and_end(one,
                               one.session + " " + std::to_string(sessions_[one.session].turns));
        if (what == "history") return say_and_end(one, one.what);
        if (what == "model") return say_and_end(one, sessions_[one.session].model);
        if (what == "cwd") {
            char folder[4096];
            return say_and_end(one, ::getcwd(folder, sizeof folder));
        }
        if (what == "env") {
            std::string all;
            for (char** variable = environ; *variable != nullptr; ++variable)
                all += std::string{*variable} + '\n';
            return say_and_end(one, all);
        }
        if (what == "think") {
            chunk(one.session, "hm", "agent_thought_chunk");
            update(one.session, {{"sessionUpdate", "plan"}, {"entries", bj::array{}}});
            return say_and_end(one, "done");
        }
        if (what == "permit" || what == "write") {
            if (step == 0) {
                ask_permission(one, what == "write"        ? "edit"
                                    : one.words.size() > 1 ? one.words[1]
                                                           : "execute");
                return true;
            }
            if (what == "write" && one.verdict == "yes") std::ofstream{one.words[1]} << "written";
            if (one.verdict == "no") return end(one);
            return say_and_end(one, one.verdict);
        }
        if (what == "permit-forever") {
            ask_permission(one, "execute");
            return true;
        }
        if (what == "permit-many") {
            if (step == 0) {
                for (int i = 0; i != 40; ++i) ask_permission(one, "execute");
                return true;
            }
            return say_and_end(one, "refused all");
        }
        if (what == "never") return wait(one, 3'600'000);
        if (what == "exit" || what == "crash") {
            if (step == 0) {
                chunk(one.session, "half");
                return wait(one, 20);
            }
            std::fprintf(stderr, "a fatal thing happened\n");
            if (what == "crash") ::kill(::getpid(), SIGKILL);
            std::exit(4);
        }
        if (what == "late") {
            if (step == 0) {
                chunk(one.session, "early ");
                end(one);
                return wait(one, 20);
            }
            chunk(one.session, "late");
            return false;
        }
        if (what == "stray") {
            if (step == 0) {
                chunk(one.session, "early");
                end(one);
                return wait(one, 150);
            }
            chunk(one.session, " stray");
            return false;
        }
        if (what == "twice") {
            chunk(one.session, "once");
            end(one);
            return end(one);
        }
        if (what == "ask") {
            if (step == 0) {
                ++one.permissions;
                send({{"id", "strange"},
                      {"method", "cursor/ask_question"},
                      {"params", bj::object{}}});
                return true;
            }
            return say_and_end(one, "refused with " + last_error_);
        }
        if (what == "garbage") {
            write_all(std::string(70'000, 'x') + "\n");
            return wait(one, 1'000);
        }
        if (what == "broken") {
            write_all("{\"jsonrpc\":\"2.0\",\"method\":\n");
            return wait(one, 1'000);
        }
        if (what == "long") {
            std::string const piece(1'000'000, 'l');
            for (std::int64_t left = number(one, 1, 100'000'000); left > 0; left -= 1'000'000)
                write_all(piece);
            write_all("\n");
            return wait(one, 1'000);
        }
        if (what == "stop") return chunk(one.session, "some"), end(one, one.words[1]);
        if (what == "silent") return end(one);
        if (what == "error")
            return refuse(one.id, -32603, "the model is on holiday, key sk-secret-123456"), false;
        if (what == "usage") {
            chunk(one.session, "counted");
            answer(one.id,
                   {{"stopReason", "end_turn"},
                    {"usage", {{"inputTokens", 11}, {"outputTokens", 7}, {"totalTokens", 18}}}});
            return false;
        }
        return say_and_end(one, "You said: " + one.what);
    }

    bool say_and_end(turn const& one, std::string_view text) {
        chunk(one.session, text);
        return end(one);
    }

    std::map<std::string, std::string> options_;
    std::map<std::string, known_session> sessions_;
    std::map<int, turn*> questions_;
    std::list<turn> turns_;
    std::string input_;
    std::string last_error_;
    int opened_ = 0;
    int asked_ = 100;
};

} // namespace

int main(int count, char** arguments) {
    std::signal(SIGPIPE, SIG_IGN);
    return agent{{arguments + 1, arguments + count}}.run();
}
