// openai-node 6 and 7: `responses.stream()` and `responses.create({stream: true})`.

const ENDINGS = {
  'response.completed': 'completed',
  'response.incomplete': 'incomplete',
  'response.failed': 'failed',
};
const REASONING = ['response.reasoning_summary_text.delta', 'response.reasoning_text.delta'];
export const PARAMETERS = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const ASKED = {
  model: 'gpt-5.4',
  input: 'What is the weather in Paris?',
  store: false,
  tools: [{ type: 'function', name: 'get_weather', strict: true, parameters: PARAMETERS }],
};

async function client(baseURL, load) {
  const { OpenAI } = await load('openai');
  return new OpenAI({ apiKey: 'key', baseURL, maxRetries: 0, logLevel: 'off' });
}

// What an application takes from an event that it gets.
function hear(event, heard) {
  const { live } = heard;
  live.reasoning ??= '';
  live.calls ??= [];
  const delta = typeof event.delta === 'string' ? event.delta : '';
  if (event.type === 'response.output_text.delta') live.text += delta;
  else if (REASONING.includes(event.type)) live.reasoning += delta;
  else if (event.type === 'response.output_item.done') {
    if (event.item.type === 'function_call') live.calls.push([event.item.name, event.item.arguments]);
  } else if (event.type === 'error') {
    heard.error = [event.message, event.code, JSON.stringify(event.error)].filter(Boolean).join(' ') || 'error';
    heard.ended = 'failed';
  } else if (ENDINGS[event.type]) {
    heard.ended = ENDINGS[event.type];
    if (event.type === 'response.failed') heard.error = JSON.stringify(event.response?.error ?? 'failed');
    else if (event.response) heard.final ??= final(event.response);
  }
}

// What the response holds in the end, as it is.
function final(response) {
  const told = { text: '', reasoning: '', calls: [] };
  for (const item of response.output) {
    if (item.type === 'message') {
      told.text += item.content.map((part) => (part.type === 'output_text' ? part.text : '')).join('');
    } else if (item.type === 'reasoning') {
      told.reasoning += [...(item.summary ?? []), ...(item.content ?? [])].map((part) => part.text).join('');
    } else if (item.type === 'function_call') told.calls.push([item.name, item.arguments]);
  }
  return told;
}

export async function stream(baseURL, heard, load) {
  const events = (await client(baseURL, load)).responses.stream(ASKED);
  for await (const event of events) hear(event, heard);
  const response = await events.finalResponse();
  heard.final = final(response);
  heard.ended ??= ['completed', 'incomplete', 'failed'].find((status) => status === response.status) ?? null;
}

export async function create(baseURL, heard, load) {
  const events = await (await client(baseURL, load)).responses.create({ ...ASKED, stream: true });
  for await (const event of events) hear(event, heard);
}
