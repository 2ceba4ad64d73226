-- wrk: the chat request of 1 KB, and a line with what came of it. KEY, MODEL and HEADERS ("name: value|name: value")
-- come from the environment.
local prompt = "Explain in a few words what this function does, and whether it may be called from two threads: "
local head = '{"model":"' .. os.getenv("MODEL") .. '","messages":[{"role":"system","content":"You answer briefly."},' ..
    '{"role":"user","content":"'
local tail = '"}],"temperature":0.2,"max_tokens":256,"stream":false}'
local filler = "int next(int last) { return last + 1; } "
local room = 1024 - #head - #prompt - #tail

wrk.method = "POST"
wrk.path = "/v1/chat/completions"
wrk.body = head .. prompt .. filler:rep(math.ceil(room / #filler)):sub(1, room) .. tail
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("KEY")
for name, value in (os.getenv("HEADERS") or ""):gmatch("([^|:]+): ([^|]+)") do
    wrk.headers[name] = value
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format("DONE requests=%d errors=%d p50_us=%d p99_us=%d per_second=%.0f\n", summary.requests,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout, latency:percentile(50),
        latency:percentile(99), summary.requests / summary.duration * 1e6))
end
