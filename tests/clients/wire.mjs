// HTTP by the byte: sends requests as they were written down, and shows answers as they came.
import net from 'node:net';

const patience = 10_000; // ms

/** A connection that stays open between exchanges, as an editor keeps it. */
export class Wire {
  constructor(url) {
    const { hostname, port } = new URL(url);
    this.host = `${hostname}:${port}`;
    this.socket = net.connect(Number(port), hostname).setNoDelay(true);
    this.received = Buffer.alloc(0);
    this.socket.on('data', (part) => {
      this.received = Buffer.concat([this.received, part]);
      this.wake?.();
    });
    for (const event of ['end', 'error', 'close'])
      this.socket.on(event, () => {
        this.ended = true;
        this.wake?.();
      });
  }

  /** Sends `text`, in which HOST stands for the server's name and LENGTH for the size of `body`; reads the answer. */
  async exchange(text, body = '') {
    const head = text
      .replaceAll('HOST', this.host)
      .replaceAll('LENGTH', Buffer.byteLength(body))
      .replaceAll('\n', '\r\n');
    this.socket.write(`${head}\r\n\r\n${body}`);
    return this.answer(text.startsWith('HEAD '));
  }

  async answer(toHead) {
    const end = await this.find('\r\n\r\n');
    const [status, ...lines] = this.take(end + 4)
      .toString('latin1')
      .trimEnd()
      .split('\r\n');
    const fields = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
    );
    const answer = { status: Number(status.split(' ')[1]), fields, body: '' };
    if (toHead || answer.status === 204) return answer;
    if (fields['transfer-encoding'] !== 'chunked') {
      const size = Number(fields['content-length']);
      await this.until(() => this.received.length >= size);
      answer.body = this.take(size).toString();
      return answer;
    }
    const pieces = [];
    for (;;) {
      const line = this.take((await this.find('\r\n')) + 2).toString();
      const size = parseInt(line, 16);
      await this.until(() => this.received.length >= size + 2);
      pieces.push(this.take(size + 2).subarray(0, size));
      if (size === 0) break;
    }
    answer.body = Buffer.concat(pieces).toString();
    return answer;
  }

  close() {
    this.socket.destroy();
  }

  take(size) {
    const taken = this.received.subarray(0, size);
    this.received = this.received.subarray(size);
    return taken;
  }
  async find(text) {
    await this.until(() => this.received.includes(text));
    return this.received.indexOf(text);
  }
  async until(done) {
    const end = Date.now() + patience;
    while (!done()) {
      if (this.ended) throw new Error(`the connection ended after ${JSON.stringify(this.received.toString())}`);
      if (Date.now() > end) throw new Error(`no answer; so far ${JSON.stringify(this.received.toString())}`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** One exchange on a connection of its own. */
export async function exchange(url, text, body) {
  const wire = new Wire(url);
  try {
    return await wire.exchange(text, body);
  } finally {
    wire.close();
  }
}

/** What the bytes of a request are that `ask(url)` sends; it is answered with a 400. */
export async function recorded(ask) {
  let text = '';
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (part) => {
      text += part;
      const [head, body] = text.split('\r\n\r\n');
      const size = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      if (body !== undefined && Buffer.byteLength(body) >= size)
        socket.end(
          'HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
        );
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${server.address().port}`;
  await ask(`http://${host}`).then(
    () => {},
    () => {},
  );
  server.close();
  const [head, body] = text.split('\r\n\r\n');
  return {
    head: head
      .replaceAll('\r\n', '\n')
      .replaceAll(host, 'HOST')
      .replace(/^(content-length: )\d+/im, '$1LENGTH'),
    body,
  };
}

/** The payloads of a stream of events, with everything that is no `data:` line counted as a fault. */
export function eventsOf(body) {
  if (!body.endsWith('\n\n')) throw new Error(`the stream ends with ${JSON.stringify(body.slice(-40))}`);
  return body
    .slice(0, -2)
    .split('\n\n')
    .map((event) => {
      if (!/^data: [^\n]+$/.test(event)) throw new Error(`not one line of data: ${JSON.stringify(event)}`);
      return event.slice(6);
    });
}

/** The objects of NDJSON, strictly: one a line, no blank line, the last one ended too. */
export function linesOf(body) {
  if (!body.endsWith('\n')) throw new Error(`the last line has no end: ${JSON.stringify(body.slice(-40))}`);
  return body
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line));
}
