// AI SDK 6 and 7: `streamText`, every part of its full stream, then what it holds.

import { PARAMETERS } from './openai_cells.mjs';

const ENDINGS = { stop: 'completed', 'tool-calls': 'completed', length: 'incomplete', error: 'failed' };

function words(error) {
  if (typeof error === 'string') return error;
  const said = error?.message || JSON.stringify(error);
  // What the upstream said is beside the message where it answered with an HTTP error.
  return [said, error?.responseBody].filter(Boolean).join(' ');
}

export async function run(baseURL, heard, load) {
  const { streamText, tool, jsonSchema } = await load('ai');
  const { createOpenAI } = await load('@ai-sdk/openai');
  const { live } = heard;
  live.reasoning = '';
  live.calls = [];
  const result = streamText({
    model: createOpenAI({ baseURL, apiKey: 'key' }).responses('gpt-5.4'),
    prompt: 'What is the weather in Paris?',
    maxRetries: 0,
    providerOptions: { openai: { store: false } },
    tools: { get_weather: tool({ inputSchema: jsonSchema(PARAMETERS) }) },
    onError: () => {},
  });
  for await (const part of result.fullStream) {
    if (part.type === 'text-delta') live.text += part.text;
    else if (part.type === 'reasoning-delta') live.reasoning += part.text;
    else if (part.type === 'tool-call') live.calls.push([part.toolName, JSON.stringify(part.input)]);
    else if (part.type === 'error') {
      heard.error ??= words(part.error);
      heard.exception ??= part.error?.name ?? typeof part.error;
    } else if (part.type === 'finish') heard.ended = ENDINGS[part.finishReason] ?? null;
  }
  if (heard.error !== null) return;
  const calls = (await result.toolCalls).map((call) => [call.toolName, JSON.stringify(call.input)]);
  heard.final = { text: await result.text, reasoning: (await result.reasoningText) ?? '', calls };
  // A response that ended in `error` without an error part has told nobody why, but that it did.
  if (heard.ended === 'failed') heard.error = 'finishReason: error';
}
