"""The types of the fields of answers, as the API's description has them."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from types import NoneType
from typing import Annotated, Any, NotRequired, get_args, get_type_hints
from uuid import UUID

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from models.intake.submitter import MOST_CHARACTERS

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
UuidText = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Object = dict[str, Any]


def choice(names: Sequence[str]) -> WithJsonSchema:
    """Return what describes a text as one of `names`."""
    return WithJsonSchema({"type": "string", "enum": list(names)})


def json_types(payload: type, *, without: str) -> dict[str, Any]:
    """Return the fields of a payload with their types as JSON has them, in order."""
    hints = get_type_hints(payload, include_extras=True)
    names = [field.name for field in fields(payload) if field.name != without]
    return {name: _json_type(hints[name]) for name in names}


def _json_type(hint: Any) -> Any:
    parts = get_args(hint)
    if NoneType in parts:
        (needed,) = (part for part in parts if part is not NoneType)
        return _json_type(needed) | None
    if datetime in parts:  # annotated, as payloads have it
        return Moment
    return UuidText if hint is UUID else hint


class SubmitterItem(TypedDict):
    """Who handed something in."""

    door: Annotated[str, Field(description="The task or request it came by.")]
    name: NotRequired[
        Annotated[
            str,
            Field(
                max_length=MOST_CHARACTERS,
                description="The token's sub, or what the task's producer says of itself.",
            ),
        ]
    ]


SubmittedBy = Annotated[
    SubmitterItem | None,
    Field(description="Null for what came before this was kept."),
]
