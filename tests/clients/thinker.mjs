// An OpenAI-compatible upstream with a model that thinks before it speaks, as vLLM and DeepSeek tell it:
// `reasoning_content` in the deltas.
import http from 'node:http';

const thoughts = ['The user ', 'wants a number.'];
const words = ['Forty', '-two'];
const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 };
const named = { id: 'chatcmpl-thinker', created: 1767225600, model: 'thinker' };

function stream(answer) {
  answer.writeHead(200, { 'content-type': 'text/event-stream' });
  const event = (choices, rest) =>
    answer.write(`data: ${JSON.stringify({ ...named, object: 'chat.completion.chunk', choices, ...rest })}\n\n`);
  const delta = (piece) => event([{ index: 0, delta: piece, finish_reason: null }]);
  delta({ role: 'assistant', content: '' });
  for (const text of thoughts) delta({ reasoning_content: text });
  for (const text of words) delta({ content: text });
  event([{ index: 0, delta: {}, finish_reason: 'stop' }]);
  event([], { usage });
  answer.end('data: [DONE]\n\n');
}

function whole(answer) {
  const message = { role: 'assistant', content: words.join(''), reasoning_content: thoughts.join('') };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  answer.writeHead(200, { 'content-type': 'application/json' });
  answer.end(JSON.stringify({ ...named, object: 'chat.completion', choices, usage }));
}

export async function startThinker() {
  const server = http.createServer(async (asked, answer) => {
    let body = '';
    for await (const part of asked.setEncoding('utf8')) body += part;
    if (asked.url !== '/v1/models') return (JSON.parse(body).stream ? stream : whole)(answer);
    answer.writeHead(200, { 'content-type': 'application/json' });
    answer.end(
      JSON.stringify({
        object: 'list',
        data: [{ id: 'thinker', object: 'model', created: 1767225600, owned_by: 'tests' }],
      }),
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
