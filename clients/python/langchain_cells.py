"""langchain-openai: `ChatOpenAI(use_responses_api=True).stream`, its chunks added up."""

from __future__ import annotations

import json
from typing import Any

from langchain_openai import ChatOpenAI

from cells import MODEL, PROMPT, Heard, Told


def get_weather(city: str) -> str:
    """The weather in a city."""
    return city


def reasoning(content: Any) -> str:
    if not isinstance(content, list):
        return ""
    blocks = [block for block in content if isinstance(block, dict) and block.get("type") == "reasoning"]
    summaries = [part for block in blocks for part in block.get("summary") or []]
    raw = [part for block in blocks for part in block.get("content") or []]
    return "".join(str(part.get("text") or "") for part in [*summaries, *raw] if isinstance(part, dict))


def run(base_url: str, heard: Heard) -> None:
    model = ChatOpenAI(
        model=MODEL, base_url=base_url, api_key="key", use_responses_api=True, max_retries=0
    ).bind_tools([get_weather])
    added = None
    heard.live = Told(text="", calls=None)
    for chunk in model.stream(PROMPT):
        heard.live.text += str(chunk.text)
        added = chunk if added is None else added + chunk
    if added is None:
        return
    heard.ended = added.response_metadata.get("status")
    calls = [[call["name"], json.dumps(call["args"])] for call in added.tool_calls]
    calls += [[call["name"], call["args"]] for call in added.invalid_tool_calls]
    heard.final = Told(text=str(added.text), reasoning=reasoning(added.content), calls=calls)
