"""Reading the API's description."""

import json
from collections.abc import Iterator
from typing import Any

from tests.realtime.http.conftest import Caller


async def enums_with(caller: Caller, word: str) -> list[list[str]]:
    """Return every list of allowed values that has this word, wherever it stands."""
    text = await (await caller.get("/api/openapi.json", anonymous=True)).text()
    return [values for values in _enums(json.loads(text)) if word in values]


def _enums(part: Any) -> Iterator[list[str]]:
    if isinstance(part, dict):
        if isinstance(part.get("enum"), list):
            yield part["enum"]
        for inner in part.values():
            yield from _enums(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _enums(inner)
