"""pydantic-ai: `direct.model_request_stream`, and an agent whose tool is really called."""

from __future__ import annotations

import json
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import (
    ModelRequest,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.tools import ToolDefinition

from cells import MODEL, PROMPT, Heard, Told
from openai_cells import TOOLS, client_async

ENDINGS = {"stop": "completed", "tool_call": "completed", "length": "incomplete", "error": "failed"}


def hear(event: Any, told: Told) -> None:
    """The pieces as they come."""
    if isinstance(event, PartStartEvent):
        if isinstance(event.part, TextPart):
            told.text += event.part.content
        elif isinstance(event.part, ThinkingPart):
            told.reasoning += event.part.content
    elif isinstance(event, PartDeltaEvent):
        if isinstance(event.delta, TextPartDelta):
            told.text += event.delta.content_delta
        elif isinstance(event.delta, ThinkingPartDelta):
            told.reasoning += event.delta.content_delta or ""


def final(response: Any) -> Told:
    told = Told(text="", reasoning="", calls=[])
    for part in response.parts:
        if isinstance(part, TextPart):
            told.text += part.content
        elif isinstance(part, ThinkingPart):
            # Raw reasoning is kept beside the summary, for the next request.
            raw = (part.provider_details or {}).get("raw_content") or []
            told.reasoning += part.content or "".join(raw)
        elif isinstance(part, ToolCallPart):
            told.calls.append([part.tool_name, part.args_as_json_str()])
    return told


async def direct(base_url: str, heard: Heard) -> None:
    heard.live = Told(text="", reasoning=None)
    tool = ToolDefinition(name="get_weather", parameters_json_schema=TOOLS[0]["parameters"])
    async with client_async(base_url) as api:
        model = OpenAIResponsesModel(MODEL, provider=OpenAIProvider(openai_client=api))
        parameters = ModelRequestParameters(function_tools=[tool])
        live = Told(text="", reasoning="")
        async with model_request_stream(
            model, [ModelRequest.user_text_prompt(PROMPT)], model_request_parameters=parameters
        ) as events:
            async for event in events:
                hear(event, live)
                heard.live.text = live.text
            response = events.get()
        heard.final = final(response)
        heard.ended = ENDINGS.get(str(response.finish_reason))


async def agent(base_url: str, heard: Heard) -> None:
    calls: list[list[str]] = []
    heard.live = Told(text="", calls=calls)
    async with client_async(base_url) as api:
        model = OpenAIResponsesModel(MODEL, provider=OpenAIProvider(openai_client=api))
        weather: Agent[None, str] = Agent(model, retries=0)

        @weather.tool_plain
        def get_weather(city: str) -> str:
            calls.append(["get_weather", json.dumps({"city": city})])
            return "sunny"

        first = True
        async with weather.iter(PROMPT) as run:
            async for node in run:
                if Agent.is_model_request_node(node) and first:
                    first = False
                    live = Told(text="", reasoning="")
                    async with node.stream(run.ctx) as events:
                        async for event in events:
                            hear(event, live)
                            heard.live.text = live.text
                        heard.ended = ENDINGS.get(str(events.response.finish_reason))
            heard.final = Told(text=run.result.output)
