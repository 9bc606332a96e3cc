"""Asks an endpoint with a pinned client, once for each line on standard input, and says what the client made of it.

    VENV/bin/python cells.py COLUMN

`ready` comes first. A line in: {"base_url": "http://127.0.0.1:PORT/v1"}. A line out, its answer: see clients/README.md.
Starting an interpreter and its imports takes longer than most answers, so one process takes many cells. Time limits are
the caller's: it closes the endpoint, and what the client makes of that is the answer.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
import os
import sys
import warnings
from dataclasses import asdict, dataclass, field
from typing import Any

#: Column: the module of this directory that has it, and the function in it.
COLUMNS = {
    "stream": ("openai_cells", "stream"),
    "create": ("openai_cells", "create"),
    "stream-async": ("openai_cells", "stream_async"),
    "create-async": ("openai_cells", "create_async"),
    "agents": ("agents_cells", "run"),
    "langchain": ("langchain_cells", "run"),
    "pydantic": ("pydantic_cells", "direct"),
    "pydantic-agent": ("pydantic_cells", "agent"),
    "litellm": ("litellm_cells", "run"),
}

PROMPT = "What is the weather in Paris?"
MODEL = "gpt-5.4"


@dataclass
class Told:
    """What the client told its user. `None` is what this client does not tell."""

    text: str | None = None
    reasoning: str | None = None
    #: Name and arguments (JSON text, or what came in its place).
    calls: list[list[Any]] | None = None


@dataclass
class Heard:
    """One cell: what came while it streamed, what was there at the end, and how it ended."""

    live: Told = field(default_factory=lambda: Told(text=""))
    final: Told | None = None
    #: "completed", "incomplete" or "failed" where the client says how the response ended.
    ended: str | None = None
    #: What the client raised or reported as an error, word for word.
    error: str | None = None
    exception: str | None = None

    def raised(self, error: BaseException) -> None:
        # What an event has reported before is what the user knows.
        if self.error is None:
            self.error = str(error) or type(error).__name__
            self.exception = type(error).__name__


def whole(value: Any) -> Any:
    """Half a surrogate pair is legal JSON and no text: it must not make the line unreadable."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [whole(part) for part in value]
    if isinstance(value, dict):
        return {key: whole(part) for key, part in value.items()}
    return value


def main(args: list[str]) -> int:
    if len(args) != 1 or args[0] not in COLUMNS:
        print(f"usage: cells.py {'|'.join(COLUMNS)}", file=sys.stderr)
        return 2
    # Standard output is ours alone: libraries print.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    module, name = COLUMNS[args[0]]
    ask = getattr(importlib.import_module(module), name)
    loop = asyncio.new_event_loop()

    def heard_at(base_url: str) -> Heard:
        heard = Heard()
        try:
            answer = ask(base_url, heard)
            if inspect.isawaitable(answer):
                loop.run_until_complete(answer)
        except Exception as error:  # whatever the client raises is its answer
            heard.raised(error)
        return heard

    # Where nobody listens: what is imported with the first call is no part of the first cell's time.
    heard_at("http://127.0.0.1:9/v1")
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        heard = heard_at(json.loads(line)["base_url"])
        print(json.dumps(whole(asdict(heard)), default=str), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    # The modules of the columns import `Heard` from here, and must get this one.
    sys.modules["cells"] = sys.modules["__main__"]
    sys.exit(main(sys.argv[1:]))
