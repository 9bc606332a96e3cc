"""openai-agents: `Runner.run_streamed`, a tool that is really called, and the turn behind it."""

from __future__ import annotations

import json

from agents import Agent, ModelSettings, OpenAIResponsesModel, RunConfig, Runner, function_tool

from cells import MODEL, PROMPT, Heard, Told
from openai_cells import ENDINGS, REASONING, client_async


async def run(base_url: str, heard: Heard) -> None:
    calls: list[list[str]] = []
    heard.live = Told(text="", reasoning="", calls=calls)

    @function_tool
    def get_weather(city: str) -> str:
        calls.append(["get_weather", json.dumps({"city": city})])
        return "sunny"

    async with client_async(base_url) as api:
        model = OpenAIResponsesModel(model=MODEL, openai_client=api)
        settings = ModelSettings(store=False)
        agent = Agent(name="weather", model=model, tools=[get_weather], model_settings=settings)
        result = Runner.run_streamed(
            agent, PROMPT, max_turns=3, run_config=RunConfig(tracing_disabled=True)
        )
        first = True
        async for event in result.stream_events():
            if event.type != "raw_response_event" or not first:
                continue
            # The deltas of the turn behind the tool are not those of the answer that is judged.
            first = event.data.type not in ENDINGS
            delta = getattr(event.data, "delta", None)
            if event.data.type == "response.output_text.delta" and isinstance(delta, str):
                heard.live.text += delta
            elif event.data.type in REASONING and isinstance(delta, str):
                heard.live.reasoning += delta
            elif event.data.type in ENDINGS:
                heard.ended = ENDINGS[event.data.type]
        heard.final = Told(text=str(result.final_output))
