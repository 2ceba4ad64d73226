#include "commands/health_probe.hpp"

#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/reader.hpp"

#include <utility>

namespace mcp_provider::server {

namespace {

constexpr std::size_t max_answer_bytes = 256 * 1024;
constexpr std::string_view service = "mcp-local-provider";

health_answer judge(std::string body) {
    using verdict = health_answer::verdict;
    auto const document = json::parse(body, {32, max_answer_bytes});
    if (!document)
        return {verdict::not_ours, "the answer is not the health of a " + std::string{service}};
    json::reading pass{*document};
    json::reader const root = pass.root();
    std::string_view const status = root["status"].text_or("");
    if (root["service"].text_or("") != service || !pass.ok())
        return {verdict::not_ours,
                "something else listens there: the answer does not say that it is " +
                    std::string{service}};
    if (status == "healthy") return {verdict::healthy, std::move(body)};
    if (status == "degraded") return {verdict::degraded, std::move(body)};
    return {verdict::unhealthy, std::move(body)};
}

} // namespace

health_answer probe_health(loopback_url const& where, std::chrono::milliseconds limit) {
    using verdict = health_answer::verdict;
    loopback_request ask{where};
    ask.limit = limit;
    loopback_answer answer = call_loopback(ask);
    if (!answer.came) return {verdict::not_there, answer.why};
    if (answer.status == 0) return {verdict::not_ours, "the answer is no HTTP response"};
    return judge(std::move(answer.body));
}

} // namespace mcp_provider::server
