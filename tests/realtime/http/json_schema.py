"""Whether a value is as a schema of the API's description says.

Written here because nothing that the tests need brings a validator. It knows the keywords that the
description uses and fails on any other, so that none is passed over; and it is stricter than JSON
Schema in one thing: a field that is not described is an error, unless further ones are allowed.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

Schema = dict[str, Any]


def _is_moment(text: str) -> bool:
    with suppress(ValueError):
        return text.endswith("Z") and datetime.fromisoformat(text).tzinfo is not None
    return False


def _is_uuid(text: str) -> bool:
    with suppress(ValueError):
        return str(UUID(text)) == text
    return False


_FORMATS: dict[str, Callable[[str], bool]] = {"date-time": _is_moment, "uuid": _is_uuid}
_SAYS_NOTHING = {"description", "title", "default", "discriminator"}
_KINDS: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
_BOUNDS: dict[str, Callable[[Any, Any], bool]] = {
    "enum": lambda value, names: value in names,
    "const": lambda value, name: value == name,
    "minimum": lambda value, bound: value >= bound,
    "maximum": lambda value, bound: value <= bound,
    "exclusiveMinimum": lambda value, bound: value > bound,
    "minLength": lambda value, bound: len(value) >= bound,
    "maxLength": lambda value, bound: len(value) <= bound,
    "minItems": lambda value, bound: len(value) >= bound,
    "maxItems": lambda value, bound: len(value) <= bound,
    "pattern": lambda value, pattern: re.search(pattern, value) is not None,
    "format": lambda value, name: _FORMATS[name](value),
}


_OF_OBJECTS = {"properties", "required", "additionalProperties"}
_OF_CHOICE = {"$ref", "anyOf", "oneOf"}
KNOWN = {"type", "items", *_SAYS_NOTHING, *_BOUNDS, *_OF_OBJECTS, *_OF_CHOICE}


def flaws(document: Schema, schema: Schema, value: Any, path: str = "$") -> list[str]:
    """Return where `value` is another than `schema` says; nothing, where it is as described."""
    assert set(schema) <= KNOWN, f"{path}: unknown keywords {set(schema) - KNOWN}"
    return list(_flaws(document, schema, value, path))


def _flaws(document: Schema, schema: Schema, value: Any, path: str) -> Iterator[str]:
    if "$ref" in schema:
        yield from flaws(document, resolved(document, schema["$ref"]), value, path)
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            misfits = [flaws(document, choice, value, path) for choice in schema[keyword]]
            if not (any if keyword == "anyOf" else _just_one)(not flaws_ for flaws_ in misfits):
                yield f"{path}: fits none: {misfits}"
    if "type" in schema and not _KINDS[schema["type"]](value):
        yield f"{path}: {value!r} is no {schema['type']}"
        return
    for keyword in set(schema) & set(_BOUNDS):
        if not _BOUNDS[keyword](value, schema[keyword]):
            yield f"{path}: {value!r} against {keyword} {schema[keyword]!r}"
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from flaws(document, schema.get("items", {}), item, f"{path}[{number}]")
    if isinstance(value, dict) and schema.get("type") == "object":
        yield from _of_object(document, schema, value, path)


def _of_object(document: Schema, schema: Schema, value: Schema, path: str) -> Iterator[str]:
    yield from (f"{path}: lacks {name}" for name in schema.get("required", ()) if name not in value)
    described = schema.get("properties", {})
    further = schema.get("additionalProperties", False)
    for name, field in value.items():
        if name in described:
            yield from flaws(document, described[name], field, f"{path}.{name}")
        elif isinstance(further, dict):
            yield from flaws(document, further, field, f"{path}.{name}")
        elif not further:
            yield f"{path}: {name} is not described"


def _just_one(fits: Any) -> bool:
    return list(fits).count(True) == 1


def resolved(document: Schema, reference: str) -> Schema:
    """Return what a `$ref` refers to. Raises KeyError where there is nothing."""
    schema = document
    for part in reference.removeprefix("#/").split("/"):
        schema = schema[part]
    return schema
