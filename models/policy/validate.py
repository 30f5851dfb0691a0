"""Checking whether a policy that somebody sent may be put in force."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from models.policy.composed import by_part
from models.policy.keys import KEYS, NAMES, Key
from models.policy.part import Part


def validate(policy: object) -> list[str]:
    """Return a sentence for each thing that is wrong with the policy. Null clears a key."""
    if not isinstance(policy, Mapping):
        return ["policy: must be an object of policy keys"]
    odd = [name for name in policy if not isinstance(name, str)]
    problems = [f"policy: {name!r} is no key; keys are text" for name in odd]
    values = {name: value for name, value in policy.items() if isinstance(name, str)}
    unknown = sorted(name for name in values if name not in KEYS)
    problems += [f"policy.{name}: is no policy of ours{_nearest(name)}" for name in unknown]
    of_keys = {name: values[name] for name in KEYS if values.get(name) is not None}
    for part, fields in by_part(of_keys).items():
        problems += _problems(part, fields)
    return problems


def _problems(part: type[Part], fields: dict[str, Any]) -> Iterator[str]:
    try:
        part.model_validate(fields)
    except ValidationError as error:
        for detail in error.errors():
            name = NAMES[Key(part, str(detail["loc"][0]))]
            yield f"policy.{name}: {detail['msg']}, got {detail['input']!r:.80}"


def _nearest(name: str) -> str:
    near = get_close_matches(name, KEYS, n=1)
    return f"; did you mean {near[0]}?" if near else ""
