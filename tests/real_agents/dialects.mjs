// Three ways to ask a model and to stream its answer, as far as agents use them.

const json = (value) => JSON.stringify(value);
const textOf = (content) =>
  typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('\n');
const usage = { in: 11, out: 7 };

// Agents tell answers, and calls of tools, apart by their ids.
let count = 0;
const fresh = (kind) => `${kind}_${++count}`;

/** What is common: a head that is sent once, events, an error in JSON before the first of them. */
class Answer {
  constructor(response) {
    this.response = response;
    this.id = fresh('msg');
  }
  begin() {
    if (this.begun) return;
    this.begun = true;
    this.response.writeHead(200, { 'content-type': 'text/event-stream' });
    this.response.flushHeaders();
    this.opened();
  }
  send(value, event) {
    this.response.write(`${event ? `event: ${event}\n` : ''}data: ${typeof value === 'string' ? value : json(value)}\n\n`);
  }
  fail(message) {
    this.response.writeHead(400, { 'content-type': 'application/json' });
    this.response.end(json({ type: 'error', error: { type: 'invalid_request_error', message, code: 'told_to_fail' } }));
  }
}

class ChatCompletion extends Answer {
  named(object) {
    return { id: `chatcmpl-${this.id}`, object, created: 1, model: 'mock-model' };
  }
  opened() {
    this.chunk({ role: 'assistant', content: '' });
  }
  chunk(delta, finish_reason = null) {
    this.send({ ...this.named('chat.completion.chunk'), choices: [{ index: 0, delta, finish_reason }] });
  }
  text(content) {
    this.begin();
    this.chunk({ content });
  }
  call(name, input) {
    this.begin();
    this.called = true;
    const called = { index: 0, id: fresh('call'), type: 'function', function: { name, arguments: json(input) } };
    this.chunk({ tool_calls: [called] });
  }
  end() {
    this.begin();
    this.chunk({}, this.called ? 'tool_calls' : 'stop');
    const counted = { prompt_tokens: usage.in, completion_tokens: usage.out, total_tokens: usage.in + usage.out };
    this.send({ ...this.named('chat.completion.chunk'), choices: [], usage: counted });
    this.send('[DONE]');
    this.response.end();
  }
}

class Response extends Answer {
  items = [];
  event(type, rest) {
    this.send({ type, ...rest }, type);
  }
  opened() {
    this.event('response.created', { response: { id: `resp_${this.id}`, status: 'in_progress', output: [] } });
  }
  text(words) {
    this.begin();
    if (this.said === undefined) {
      this.said = '';
      this.event('response.output_item.added', {
        output_index: 0,
        item: { type: 'message', id: this.id, role: 'assistant', status: 'in_progress', content: [] },
      });
      this.event('response.content_part.added', {
        item_id: this.id,
        output_index: 0,
        content_index: 0,
        part: { type: 'output_text', text: '' },
      });
    }
    this.said += words;
    this.event('response.output_text.delta', { item_id: this.id, output_index: 0, content_index: 0, delta: words });
  }
  call(name, input) {
    this.begin();
    this.finish(
      name === 'exec'
        ? { type: 'custom_tool_call', id: fresh('ctc'), call_id: fresh('call'), name, input: input.input, status: 'completed' }
        : { type: 'function_call', id: fresh('fc'), call_id: fresh('call'), ...split(name), arguments: json(input), status: 'completed' },
    );
  }
  finish(item) {
    this.items.push(item);
    this.event('response.output_item.added', { output_index: this.items.length - 1, item });
    this.event('response.output_item.done', { output_index: this.items.length - 1, item });
  }
  end() {
    this.begin();
    if (this.said !== undefined) {
      const item = {
        type: 'message',
        id: this.id,
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: this.said, annotations: [] }],
      };
      this.items.push(item);
      this.event('response.output_item.done', { output_index: 0, item });
    }
    const counted = { input_tokens: usage.in, output_tokens: usage.out, total_tokens: usage.in + usage.out };
    const response = { id: `resp_${this.id}`, object: 'response', status: 'completed', model: 'mock-model', output: this.items };
    this.event('response.completed', { response: { ...response, usage: counted } });
    this.response.end();
  }
}

// Codex names the tool of an MCP server by its namespace, apart from its name.
function split(name) {
  const at = name.lastIndexOf('/');
  return at < 0 ? { name } : { namespace: name.slice(0, at), name: name.slice(at + 1) };
}

class Message extends Answer {
  blocks = 0;
  opened() {
    const message = { id: this.id, type: 'message', role: 'assistant', model: 'mock-model', content: [], stop_reason: null };
    this.event('message_start', { message: { ...message, usage: { input_tokens: usage.in, output_tokens: 1 } } });
  }
  event(type, rest) {
    this.send({ type, ...rest }, type);
  }
  text(text) {
    this.begin();
    if (!this.speaks) {
      this.speaks = true;
      this.event('content_block_start', { index: this.blocks, content_block: { type: 'text', text: '' } });
    }
    this.event('content_block_delta', { index: this.blocks, delta: { type: 'text_delta', text } });
  }
  call(name, input) {
    this.begin();
    this.called = true;
    this.event('content_block_start', { index: this.blocks, content_block: { type: 'tool_use', id: fresh('toolu'), name, input: {} } });
    this.event('content_block_delta', { index: this.blocks, delta: { type: 'input_json_delta', partial_json: json(input) } });
    this.event('content_block_stop', { index: this.blocks++ });
  }
  end() {
    this.begin();
    if (this.speaks) this.event('content_block_stop', { index: this.blocks });
    const stop_reason = this.called ? 'tool_use' : 'end_turn';
    this.event('message_delta', { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: usage.out } });
    this.event('message_stop', {});
    this.response.end();
  }
}

/** The last text of the user, what tools answered after it, how many turns the user had, and the tools on offer. */
function summary(turns, tools) {
  const last = turns.findLastIndex((one) => one.kind === 'user');
  const after = turns.slice(last + 1).filter((one) => one.kind === 'result');
  return {
    prompt: turns[last]?.text ?? '',
    result: after.at(-1)?.text,
    turns: turns.filter((one) => one.kind === 'user').length,
    tools,
  };
}

const dialects = {
  '/v1/chat/completions': {
    read: (asked) =>
      summary(
        asked.messages.map((one) => ({
          kind: one.role === 'tool' ? 'result' : one.role,
          text: textOf(one.content),
        })),
        (asked.tools ?? []).map((one) => one.function?.name ?? ''),
      ),
    answer: (response, asked) => (asked.stream ? new ChatCompletion(response) : new Whole(response)),
  },
  '/v1/responses': {
    read: (asked) =>
      summary(
        asked.input.map((one) => ({
          kind: /_output$/.test(one.type) ? 'result' : (one.role ?? one.type),
          text: textOf(one.content ?? one.output),
        })),
        (asked.tools ?? []).flatMap((one) =>
          one.type === 'namespace' ? one.tools.map((tool) => `${one.name}/${tool.name}`) : [one.name ?? one.type],
        ),
      ),
    answer: (response) => new Response(response),
  },
  '/v1/messages': {
    read: (asked) =>
      summary(
        asked.messages.map((one) => {
          const results = Array.isArray(one.content) ? one.content.filter((part) => part.type === 'tool_result') : [];
          return results.length
            ? { kind: 'result', text: results.map((part) => textOf(part.content)).join('\n') }
            : { kind: one.role, text: textOf(one.content) };
        }),
        (asked.tools ?? []).map((one) => one.name),
      ),
    answer: (response, asked) => (asked.stream ? new Message(response) : new WholeMessage(response)),
  },
};

/** An answer in one piece, for what an agent asks aside. */
class Whole extends Answer {
  said = '';
  begin() {}
  text(words) {
    this.said += words;
  }
  call() {}
  end() {
    const message = { role: 'assistant', content: this.said };
    this.response.writeHead(200, { 'content-type': 'application/json' });
    this.response.end(
      json({
        ...ChatCompletion.prototype.named.call(this, 'chat.completion'),
        choices: [{ index: 0, message, finish_reason: 'stop' }],
        usage: { prompt_tokens: usage.in, completion_tokens: usage.out, total_tokens: usage.in + usage.out },
      }),
    );
  }
}
class WholeMessage extends Whole {
  end() {
    this.response.writeHead(200, { 'content-type': 'application/json' });
    this.response.end(
      json({
        id: this.id,
        type: 'message',
        role: 'assistant',
        model: 'mock-model',
        content: [{ type: 'text', text: this.said }],
        stop_reason: 'end_turn',
        stop_sequence: null,
        usage: { input_tokens: usage.in, output_tokens: usage.out },
      }),
    );
  }
}

export function dialectOf(path) {
  return dialects[path];
}
