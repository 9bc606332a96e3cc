"""openai-python 2 and 3: `responses.stream()` and `responses.create(stream=True)`, sync and async."""

from __future__ import annotations

from typing import Any

import openai

from cells import MODEL, PROMPT, Heard, Told

ENDINGS = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
}
REASONING = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
TOOLS: list[Any] = [
    {
        "type": "function",
        "name": "get_weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    }
]
ASKED: dict[str, Any] = {"model": MODEL, "input": PROMPT, "tools": TOOLS, "store": False}


def client(base_url: str) -> openai.OpenAI:
    # Nothing to verify on loopback; loading the certificates is most of a client's start.
    http = openai.DefaultHttpxClient(verify=False)
    return openai.OpenAI(api_key="key", base_url=base_url, max_retries=0, http_client=http)


def client_async(base_url: str) -> openai.AsyncOpenAI:
    http = openai.DefaultAsyncHttpxClient(verify=False)
    return openai.AsyncOpenAI(api_key="key", base_url=base_url, max_retries=0, http_client=http)


def hear(event: Any, heard: Heard) -> None:
    """What an application takes from an event that it gets."""
    kind = str(getattr(event.type, "value", event.type))
    live = heard.live
    live.reasoning = live.reasoning or ""
    live.calls = live.calls or []
    delta = getattr(event, "delta", None)
    if kind == "response.output_text.delta":
        live.text = (live.text or "") + (delta if isinstance(delta, str) else "")
    elif kind in REASONING:
        live.reasoning += delta if isinstance(delta, str) else ""
    elif kind == "response.output_item.done":
        item = event.item
        if getattr(item, "type", None) == "function_call":
            live.calls.append([item.name, item.arguments])
    elif kind == "error":
        nested = getattr(event, "error", None)
        words = [getattr(event, "message", None), getattr(event, "code", None), nested]
        heard.error = " ".join(str(word) for word in words if word) or "error"
        heard.ended = "failed"
    elif kind in ENDINGS:
        response = getattr(event, "response", None)
        heard.ended = ENDINGS[kind]
        error = getattr(response, "error", None)
        if kind == "response.failed":
            code, message = getattr(error, "code", None), getattr(error, "message", None)
            heard.error = f"{code}: {message}"
        elif response is not None and heard.final is None:
            heard.final = final(response)


def final(response: Any) -> Told:
    """What the response holds in the end. That of a created stream is read as it is, without the SDK's help."""
    told = Told(text="", reasoning="", calls=[])
    for item in response.output:
        if item.type == "message":
            told.text += "".join(part.text for part in item.content if part.type == "output_text")
        elif item.type == "reasoning":
            parts = [*(item.summary or []), *(getattr(item, "content", None) or [])]
            told.reasoning += "".join(part.text for part in parts)
        elif item.type == "function_call":
            told.calls.append([item.name, item.arguments])
    return told


def stream(base_url: str, heard: Heard) -> None:
    with client(base_url) as api, api.responses.stream(**ASKED) as events:
        for event in events:
            hear(event, heard)
        heard.final = final(events.get_final_response())


def create(base_url: str, heard: Heard) -> None:
    with client(base_url) as api, api.responses.create(**ASKED, stream=True) as events:
        for event in events:
            hear(event, heard)


async def stream_async(base_url: str, heard: Heard) -> None:
    async with client_async(base_url) as api, api.responses.stream(**ASKED) as events:
        async for event in events:
            hear(event, heard)
        heard.final = final(await events.get_final_response())


async def create_async(base_url: str, heard: Heard) -> None:
    async with client_async(base_url) as api:
        async with await api.responses.create(**ASKED, stream=True) as events:
            async for event in events:
                hear(event, heard)
