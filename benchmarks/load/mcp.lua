-- wrk: a tools/call of revision 2026-07-28, and a line with what came of it. With LOOK in the environment each answer must
-- hold the greeting; without, wrk itself is not what is measured.
wrk.method = "POST"
wrk.path = "/mcp"
wrk.body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet","arguments":{"name":"Ada"},"_meta":{' ..
    '"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"wrk","version":"1"},' ..
    '"io.modelcontextprotocol/clientCapabilities":{}}}}'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
wrk.headers["MCP-Protocol-Version"] = "2026-07-28"
wrk.headers["Mcp-Method"] = "tools/call"
wrk.headers["Mcp-Name"] = "greet"

wrong = 0
local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

if os.getenv("LOOK") then
    function response(_, _, body)
        if not body:find("Hello, Ada!", 1, true) then
            wrong = wrong + 1
        end
    end
end

function done(summary, latency)
    local errors = summary.errors
    for _, thread in ipairs(threads) do
        errors.status = errors.status + (thread:get("wrong") or 0)
    end
    io.write(string.format("DONE requests=%d errors=%d p50_us=%d p99_us=%d per_second=%.0f\n", summary.requests,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout, latency:percentile(50),
        latency:percentile(99), summary.requests / summary.duration * 1e6))
end
