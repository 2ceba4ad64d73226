// Reads what our parser accepted, one JSON object a line, and lets llhttp, the parser within Node, read the same bytes.
// Prints each difference and ends with 1 where there is one.
import fs from 'node:fs';
import {createRequire} from 'node:module';

const {HTTPParser, methods} = createRequire(import.meta.url)('_http_common');
const text = (hex) => Buffer.from(hex, 'hex').toString('latin1');

function readByNode(bytes) {
    const parser = new HTTPParser();
    parser.initialize(HTTPParser.REQUEST, {});
    let head = null;
    parser[HTTPParser.kOnHeadersComplete | 0] = (major, minor, fields, method, url, code, message, upgrade, keep) => {
        head = {minor, fields, method: methods[method], url, keep};
    };
    const outcome = parser.execute(bytes);
    parser.close();
    return {head, refusal: head ? '' : outcome.reason ?? 'waits for more'};
}

// Where llhttp is the stricter one, and we need not follow.
function isJustified(refusal, ours) {
    if (/method/.test(refusal)) return !methods.includes(ours.method); // it knows a list; our router has one
    return /Content-Length/.test(refusal) && /content-length:.*\t\r\n/i.test(ours.bytes); // RFC 9110 §5.5: HTAB is optional white space
}

function difference(ours) {
    const {head, refusal} = readByNode(Buffer.from(ours.bytes, 'latin1'));
    if (refusal) return isJustified(refusal, ours) ? '' : `llhttp refuses: ${refusal}`;
    if (head.method !== ours.method) return 'method';
    if (head.minor !== ours.minor) return 'version';
    if (head.keep !== ours.keep) return 'keep-alive';
    if (JSON.stringify(head.fields) !== JSON.stringify(ours.fields)) return 'fields';
    const isURL = /^https?:/i.test(head.url); // of which we give the part from the path on
    return head.url === ours.target || (isURL && (head.url.endsWith(ours.target) || /^[/*]$/.test(ours.target))) ? '' : 'target';
}

let differences = 0;
for (const line of fs.readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean)) {
    const raw = JSON.parse(line);
    const ours = {...raw, bytes: text(raw.bytes), method: text(raw.method), target: text(raw.target), fields: raw.fields.map(text)};
    const found = difference(ours);
    if (!found) continue;
    differences += 1;
    console.log(`${found}: ${JSON.stringify(ours)}`);
}
process.exit(differences === 0 ? 0 : 1);
