"""The types of the fields that answers are made of, as the API's description tells them."""

from collections.abc import Sequence
from typing import Annotated, Any, NotRequired

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from models.intake.submitter import MOST_CHARACTERS

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
UuidText = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Object = dict[str, Any]


def choice(names: Sequence[str]) -> WithJsonSchema:
    """Return what describes a text as one of `names`."""
    return WithJsonSchema({"type": "string", "enum": list(names)})


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
