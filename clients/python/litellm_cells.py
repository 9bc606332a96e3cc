"""LiteLLM: `litellm.responses(stream=True)`."""

from __future__ import annotations

import litellm

from cells import MODEL, PROMPT, Heard
from openai_cells import TOOLS, hear

litellm.suppress_debug_info = True
litellm.telemetry = False


def run(base_url: str, heard: Heard) -> None:
    events = litellm.responses(
        model=f"openai/{MODEL}",
        input=PROMPT,
        tools=TOOLS,
        stream=True,
        store=False,
        api_base=base_url,
        api_key="key",
        max_retries=0,
        num_retries=0,
    )
    for event in events:
        hear(event, heard)
