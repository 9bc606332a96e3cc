"""Reads streams with a pinned openai-python, the way an application does:
`client.responses.stream()`, every event, then `get_final_response()`.

    VENV/bin/python run.py [FILE...|DIRECTORY...|-]      (`-`: a JSON array of paths on standard input)

One JSON line a stream, in the order asked; see clients/README.md for its fields.
No socket is opened: the HTTP library's own mock transport answers with the file's bytes.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any, Iterator

import openai

try:  # openai-python 3 stands on httpx2, 2 on httpx; both give the same names
    import httpx2 as httpx
except ImportError:
    import httpx  # type: ignore[no-redef]

TERMINALS = {"response.completed", "response.failed", "response.incomplete"}


def paths(arg: str) -> list[str]:
    if arg == "-":
        return [str(path) for path in json.load(sys.stdin)]
    if Path(arg).is_dir():
        return sorted(str(path) for path in Path(arg).glob("*.sse"))
    return [arg]


def in_chunks(body: bytes, size: int = 16 * 1024) -> Iterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


def sentence(error: BaseException) -> str:
    return str(error) or type(error).__name__


def client_answered_with(body: bytes) -> openai.OpenAI:
    def answer(_request: Any) -> Any:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=in_chunks(body))

    return openai.OpenAI(
        api_key="unused",
        base_url="http://127.0.0.1:9/v1",
        max_retries=0,
        http_client=httpx.Client(transport=httpx.MockTransport(answer)),
    )


def whole(text: str | None) -> str | None:
    # Half a surrogate pair is legal JSON and no text: it must not make this line unreadable.
    return text if text is None else text.encode("utf-8", "replace").decode("utf-8")


def judge(file: str) -> dict[str, Any]:
    verdict: dict[str, Any] = {
        "file": file,
        "outcome": "ok",
        "error": None,
        "exception": None,
        "ending": None,
        "text": "",
        "final_text": None,
        "status": None,
        "terminal": False,
        "events": 0,
    }
    client = client_answered_with(Path(file).read_bytes())
    with client, client.responses.stream(model="any", input="any") as stream:
        try:
            for event in stream:
                verdict["events"] += 1
                delta = getattr(event, "delta", None)
                if event.type == "response.output_text.delta" and isinstance(delta, str):
                    verdict["text"] += delta
                if isinstance(event.type, str) and event.type in TERMINALS:
                    verdict["terminal"] = True
        except Exception as error:  # whatever the SDK raises is its verdict
            verdict.update(outcome="refused", error=sentence(error), exception=type(error).__name__)
            return verdict
        try:
            response = stream.get_final_response()
            verdict["status"] = getattr(response, "status", None)
            verdict["final_text"] = response.output_text
        except Exception as error:
            # Without its `response.completed` a stream has ended badly; it was not refused.
            verdict["ending"] = sentence(error)
    return verdict


def main(args: list[str]) -> int:
    if not args:
        print("usage: run.py [FILE...|DIRECTORY...|-]", file=sys.stderr)
        return 2
    warnings.simplefilter("ignore")  # pydantic's remarks about loosely typed fields, on standard error
    for file in [path for arg in args for path in paths(arg)]:
        verdict = judge(file)
        print(json.dumps({**verdict, "text": whole(verdict["text"]), "final_text": whole(verdict["final_text"])}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
