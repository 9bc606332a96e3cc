"""Validates the events of Open Responses streams against the public schema, by the types that openresponses-types
generates from the specification's OpenAPI document.

    VENV/bin/python schema.py [FILE...|-]      (`-`: a JSON array of paths on standard input)

One JSON line a stream, in the order asked: `file`, `version` (of the specification), `events` (how many were validated) and
`faults` (at most sixteen, each the event's number, its type, and what does not fit where).

The schema cannot say that a vendor may add types of its own under a prefix (`vendor:name`), which the specification's prose
allows: an event of a vendor's is passed over, and so is a vendor's item, part, annotation or tool within an event.
"""

from __future__ import annotations

import json
import sys
from enum import Enum
from pathlib import Path
from typing import Any, Iterator

import openresponses_types
from openresponses_types import types
from pydantic import BaseModel, ValidationError

FAULTS = 16


def named(model: type[BaseModel]) -> str | None:
    """The one value that the field `type` of an event's class has."""
    kind = model.model_fields["type"].annotation if "type" in model.model_fields else None
    values = list(kind) if isinstance(kind, type) and issubclass(kind, Enum) else []
    return values[0].value if len(values) == 1 else None


def events_of_the_schema() -> dict[str, type[BaseModel]]:
    classes = (getattr(types, name) for name in dir(types) if name.endswith("StreamingEvent"))
    found = {named(model): model for model in classes if issubclass(model, BaseModel)}
    return {name: model for name, model in found.items() if name}


EVENTS = events_of_the_schema()


def is_vendors(value: Any) -> bool:
    return isinstance(value, dict) and ":" in str(value.get("type", ""))


def without_vendors(value: Any) -> Any:
    if isinstance(value, list):
        return [without_vendors(one) for one in value if not is_vendors(one)]
    if isinstance(value, dict):
        return {key: without_vendors(one) for key, one in value.items()}
    return value


def data(body: bytes) -> Iterator[str]:
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    for block in text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n"):
        lines = [line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:")]
        if lines and lines != ["[DONE]"]:
            yield "\n".join(lines)


def faults_of(text: str) -> list[str]:
    try:
        event = json.loads(text)
    except ValueError as error:
        return [f"no JSON: {error}"]
    kind = event.get("type")
    if is_vendors(event) or is_vendors(event.get("item")) or is_vendors(event.get("part")):
        return []
    if is_vendors(event.get("annotation")):
        return []
    model = EVENTS.get(str(kind))
    if model is None:
        return [f"{kind}: no event of the schema"]
    # Half a surrogate pair is legal JSON, and more than this parser takes.
    whole = json.dumps(without_vendors(event), ensure_ascii=False).encode("utf-8", "replace")
    try:
        model.model_validate_json(whole, strict=True)
    except ValidationError as error:
        return [f"{kind}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return []


def judged(path: str) -> dict[str, Any]:
    count, faults = 0, []
    for at, text in enumerate(data(Path(path).read_bytes())):
        count += 1
        faults += [f"event {at}: {fault}" for fault in faults_of(text)]
    return {
        "file": path,
        "version": openresponses_types.__spec_version__,
        "events": count,
        "faults": faults[:FAULTS],
    }


def main() -> None:
    asked = sys.argv[1:] or ["-"]
    for path in [str(path) for path in json.load(sys.stdin)] if asked == ["-"] else asked:
        print(json.dumps(judged(path)), flush=True)


if __name__ == "__main__":
    main()
