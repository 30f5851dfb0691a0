"""The types of the fields that come in.

They are strict: a number in quotes is an error, and so is a time without an offset.
"""

from datetime import UTC, date, datetime
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError, core_schema

from models.ids import LARGEST_ID, StringId
from models.ids import Id as AnyId
from models.schemas.instants import parse_instant


class Incoming(BaseModel):
    """The base of what callers send. Fields that nobody knows are kept in `model_extra`."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)


_MOMENT = str, datetime


def read_instant(value: object) -> datetime:
    """Return the moment that ISO 8601 with an offset names, in UTC. Raises PydanticCustomError."""
    if not isinstance(value, _MOMENT):
        raise PydanticCustomError(
            "wrong_type",
            "must be text: an ISO 8601 time with an offset, such as 2026-11-23T08:00:00+01:00",
        )
    try:
        moment = parse_instant(value) if isinstance(value, str) else value
        if moment.utcoffset() is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise PydanticCustomError(
            "not_a_time", "is no time that exists; write ISO 8601 such as 2026-11-23T08:00:00+01:00"
        ) from error
    raise PydanticCustomError("no_offset", "has no offset from UTC; add it, such as +01:00 or Z")


def read_date_or_instant(value: object) -> date | datetime:
    """Return a date (YYYY-MM-DD: the whole day at the site), or a moment in UTC.

    Raises PydanticCustomError.
    """
    if isinstance(value, str) and len(value) == 10:
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise PydanticCustomError(
                "not_a_time", "is no date that exists; write YYYY-MM-DD, or a time with an offset"
            ) from error
    return read_instant(value)


# Postgres keeps every character but NUL; Pydantic itself refuses lone surrogates.
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Name = Annotated[Text, Field(min_length=1, max_length=500)]
# The names of the two ways to write an id, by which errors are told apart (models.intake.refused).
INTEGER, STRING = "integer", "string"


class _Id:
    """An id of a tenant, person or site: an integer, else a string, yet without its number."""

    def __get_pydantic_core_schema__(self, _source: Any, handler: Any) -> core_schema.CoreSchema:
        integer = core_schema.int_schema(strict=True, ge=1, le=LARGEST_ID)
        choices: list[Any] = [(integer, INTEGER), (handler.generate_schema(StringId), STRING)]
        return core_schema.union_schema(choices, mode="left_to_right")


Id = Annotated[AnyId, _Id()]


@cache
def id_fields(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the fields of the model that are an id, or none."""
    hints = get_type_hints(model, include_extras=True)
    return tuple(name for name in model.model_fields if _is_id(hints[name]))


def _is_id(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        return any(isinstance(item, _Id) for item in get_args(hint)) or _is_id(get_args(hint)[0])
    return get_origin(hint) in (Union, UnionType) and any(map(_is_id, get_args(hint)))


TextId = Annotated[Text, Field(min_length=1, max_length=64)]
DeviceId = Annotated[Text, Field(min_length=1, max_length=128)]
Share = Annotated[float, Field(ge=0, le=1)]
Instant = Annotated[datetime, BeforeValidator(read_instant)]
DateOrInstant = Annotated[Any, BeforeValidator(read_date_or_instant)]
