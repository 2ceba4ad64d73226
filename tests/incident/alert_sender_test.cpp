#include "incident/alert_sender.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/crypto/hmac.hpp"
#include "mcp_provider/json/parse.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using namespace mcp_provider::server;
using namespace std::chrono_literals;

/// A webhook that answers as it is told, one connection after the other, and keeps what came.
class webhook {
public:
    explicit webhook(std::vector<std::string> answers)
        : acceptor_{context_, {asio::ip::address_v4::loopback(), 0}}, thread_{[this, answers] {
              for (std::string const& answer : answers) serve(answer);
          }} {}
    ~webhook() { thread_.join(); }

    alert_settings settings() const {
        alert_settings to;
        to.webhook_url =
            "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/hook";
        to.webhook_key = secret{"the key of the webhook"};
        return to;
    }

    std::vector<std::string> heads;
    std::vector<std::string> bodies;

private:
    void serve(std::string const& answer) {
        asio::ip::tcp::socket client = acceptor_.accept();
        std::string text;
        std::size_t const head = asio::read_until(client, asio::dynamic_buffer(text), "\r\n\r\n");
        std::size_t const at = text.find("Content-Length: ");
        std::size_t const length = at < head ? std::stoul(text.substr(at + 16)) : 0;
        while (text.size() < head + length) {
            std::string more(head + length - text.size(), '\0');
            more.resize(client.read_some(asio::buffer(more)));
            text += more;
        }
        heads.push_back(text.substr(0, head));
        bodies.push_back(text.substr(head));
        std::error_code ignored;
        asio::write(client, asio::buffer(answer), ignored);
    }

    asio::io_context context_;
    asio::ip::tcp::acceptor acceptor_;
    std::thread thread_;
};

constexpr char const* good = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
constexpr char const* bad = "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
constexpr char const* elsewhere = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                                  "Content-Length: 0\r\nConnection: close\r\n\r\n";

alert_timing quick() {
    alert_timing timing;
    timing.call_time = 500ms;
    timing.first_retry = 1ms;
    timing.last_retry = 4ms;
    timing.attempts = 3;
    return timing;
}

alert burning() {
    alert one{"caller_blocked", "high", "a \"quoted\" text"};
    one.labels.emplace_back("caller", "uid:7");
    return one;
}

/// Sends one alert, and lets the sender do all it wants to.
alert_counts send_to(alert_settings const& to, alert one) {
    asio::io_context context;
    alert_sender sender{to, context, quick()};
    CHECK(sender.send(std::move(one)));
    context.run_for(5s);
    return sender.counts();
}

} // namespace

TEST_CASE("an alert is posted in Alertmanager's form and signed over its whole body") {
    webhook hook{{good}};
    alert_counts const counts = send_to(hook.settings(), burning());

    CHECK(counts.sent == 1);
    REQUIRE(hook.bodies.size() == 1);
    crypto::hmac_key signer{std::string_view{"the key of the webhook"}};
    std::string const signature =
        "X-Signature-256: sha256=" +
        crypto::hex_encode(crypto::as_text(signer.tag(hook.bodies.front())));
    CHECK(hook.heads.front().find(signature + "\r\n") != std::string::npos);
    CHECK(hook.heads.front().starts_with("POST /hook HTTP/1.1\r\n"));
    auto const body = json::parse(hook.bodies.front());
    REQUIRE(body);
    CHECK(body->at("version") == "4");
    auto const& one = body->at("alerts").as_array().front();
    CHECK(one.at("labels").at("alertname") == "caller_blocked");
    CHECK(one.at("labels").at("severity") == "high");
    CHECK(one.at("labels").at("caller") == "uid:7");
    CHECK(one.at("annotations").at("summary") == "a \"quoted\" text");
}

TEST_CASE("an alert that was not taken is sent again; a redirect does not count as taken") {
    webhook hook{{bad, elsewhere, good}};
    CHECK(send_to(hook.settings(), burning()).sent == 1);
    CHECK(hook.bodies.size() == 3);
    CHECK(hook.bodies[0] == hook.bodies[2]);
}

TEST_CASE("garbage and silence are failures, and after the last attempt the alert is given up") {
    webhook hook{{"nonsense\r\n\r\n", "", bad}};
    alert_counts const counts = send_to(hook.settings(), burning());
    CHECK(counts.sent == 0);
    CHECK(counts.failed == 1);
}

TEST_CASE("too many alerts are dropped and counted, and none is sent where nobody is to be told") {
    alert_settings nowhere;
    nowhere.webhook_url = "http://127.0.0.1:1/";
    asio::io_context context;
    alert_sender sender{nowhere, context, quick()};
    for (std::size_t i = 0; i != alert_sender::max_waiting; ++i) CHECK(sender.send(burning()));
    CHECK(!sender.send(burning()));
    CHECK(sender.counts().dropped == 1);

    alert_sender silent{alert_settings{}, context, quick()};
    CHECK(!silent.is_configured());
    CHECK(!silent.send(burning()));
}
