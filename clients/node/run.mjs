// Reads streams with the pinned openai-node, the way an application does:
// `client.responses.stream()`, every event, then the final response.
//
//   node run.mjs OPENAI_PREFIX [FILE…|DIRECTORY…|-]     (`-`: a JSON array of paths on standard input)
//
// One JSON line a stream, in the order asked; see clients/README.md for its fields.
// No socket is opened: `fetch` is replaced by a function that answers with the file's bytes.

import { readFileSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const TERMINALS = new Set(['response.completed', 'response.failed', 'response.incomplete']);

const [prefix, ...args] = process.argv.slice(2);
if (!prefix || args.length === 0) {
  console.error('usage: node run.mjs OPENAI_PREFIX [FILE…|DIRECTORY…|-]');
  process.exit(2);
}
const require = createRequire(join(prefix, 'node_modules', 'anchor.js'));
const { OpenAI } = require('openai');

function paths(arg) {
  if (arg === '-') return JSON.parse(readFileSync(0, 'utf8'));
  if (!statSync(arg).isDirectory()) return [arg];
  return readdirSync(arg)
    .filter((name) => name.endsWith('.sse'))
    .sort()
    .map((name) => join(arg, name));
}

// In pieces, as a network gives them: the SDK bounds how many unread events its iterator holds.
function inChunks(bytes, size = 16 * 1024) {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(new Uint8Array(bytes.subarray(at, at + size)));
      at += size;
    },
  });
}

async function judge(file) {
  const body = readFileSync(file);
  const client = new OpenAI({
    apiKey: 'unused',
    baseURL: 'http://127.0.0.1:9/v1',
    maxRetries: 0,
    logLevel: 'off',
    fetch: async () => new Response(inChunks(body), { headers: { 'content-type': 'text/event-stream' } }),
  });
  const verdict = {
    file,
    outcome: 'ok',
    error: null,
    exception: null,
    ending: null,
    text: '',
    final_text: null,
    status: null,
    terminal: false,
    events: 0,
  };
  const stream = client.responses.stream({ model: 'any', input: 'any' });
  try {
    for await (const event of stream) {
      verdict.events += 1;
      if (event.type === 'response.output_text.delta' && typeof event.delta === 'string') verdict.text += event.delta;
      if (TERMINALS.has(event.type)) verdict.terminal = true;
    }
  } catch (error) {
    verdict.outcome = 'refused';
    verdict.error = String(error?.message ?? error);
    verdict.exception = error?.constructor?.name ?? typeof error;
    return verdict;
  }
  try {
    const response = await stream.finalResponse();
    verdict.final_text = response.output_text ?? null;
    verdict.status = response.status ?? null;
  } catch (error) {
    verdict.ending = String(error?.message ?? error);
  }
  return verdict;
}

for (const file of args.flatMap(paths)) {
  const verdict = await judge(file);
  // Half a surrogate pair is legal JSON and no text: it must not make this line unreadable.
  verdict.text = verdict.text.toWellFormed();
  verdict.final_text = verdict.final_text?.toWellFormed() ?? null;
  process.stdout.write(`${JSON.stringify(verdict)}\n`);
}
