// Asks an endpoint with a pinned client, once for each line on standard input, and says what the client made of it.
//
//   node cells.mjs COLUMN PREFIX     (PREFIX: where `node_modules` is)
//
// `ready` comes first. A line in: {"base_url": "http://127.0.0.1:PORT/v1"}. A line out, its answer: see clients/README.md.
// Time limits are the caller's: it closes the endpoint, and what the client makes of that is the answer.

import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

// Column: the module of this directory that has it, and the function in it.
const COLUMNS = {
  stream: ['./openai_cells.mjs', 'stream'],
  create: ['./openai_cells.mjs', 'create'],
  'ai-sdk': ['./ai_cells.mjs', 'run'],
};

const [column, prefix] = process.argv.slice(2);
if (!COLUMNS[column] || !prefix) {
  console.error(`usage: node cells.mjs ${Object.keys(COLUMNS).join('|')} PREFIX`);
  process.exit(2);
}
const require = createRequire(resolve(prefix, 'node_modules', 'anchor.js'));
const load = (name) => import(pathToFileURL(require.resolve(name)));
const [module, name] = COLUMNS[column];
const { [name]: ask } = await import(module);

// Half a surrogate pair is legal JSON and no text: it must not make the line unreadable.
const whole = (_, value) => (typeof value === 'string' ? value.toWellFormed() : value);

// What a client leaves behind unhandled must not end the process; it is no answer to anybody.
process.on('unhandledRejection', () => {});

async function heardAt(baseURL) {
  const heard = {
    live: { text: '', reasoning: null, calls: null },
    final: null,
    ended: null,
    error: null,
    exception: null,
  };
  try {
    await ask(baseURL, heard, load);
  } catch (error) {
    // What an event has reported before is what the user knows.
    heard.exception = heard.error === null ? (error?.constructor?.name ?? typeof error) : null;
    heard.error ??= String(error?.message || error);
  }
  return heard;
}

// Where nobody listens: what is loaded with the first call is no part of the first cell's time.
await heardAt('http://127.0.0.1:9/v1');
process.stdout.write('ready\n');

for await (const line of createInterface({ input: process.stdin })) {
  const heard = await heardAt(JSON.parse(line).base_url);
  process.stdout.write(`${JSON.stringify(heard, whole)}\n`);
}
process.exit(0);
