"""The reasons of refusals, and what to do about them. docs/submitting.md lists every code."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

from models.schemas.fields import INTEGER, STRING


class Reason(TypedDict):
    """Why something is refused.

    `field` is the path to what is wrong, '' for the whole. `message` goes on where the name of the
    field ends.
    """

    code: str
    field: str
    message: str


class Refused(Exception):
    """What was sent cannot be accepted."""

    def __init__(self, reasons: list[Reason]) -> None:
        super().__init__(reasons)
        self.reasons = reasons


M = TypeVar("M", bound=BaseModel)


def validated(schema: type[M], content: object, context: object = None) -> M:
    """Return the content as `schema` has it. Raises Refused with all reasons why it is none.

    `context` is what the validators of the schema are told beside it.
    """
    try:
        return schema.model_validate(content, context=context)
    except ValidationError as error:
        raise Refused(reasons_of(error)) from error


ID_TYPE = "must be a whole number, or text of 1 to 64 characters"
_TYPES = {
    "id_type": ID_TYPE,
    "int_type": "must be a whole number, without quotes",
    "float_type": "must be a number, without quotes",
    "string_type": "must be text, in quotes",
    "bool_type": "must be true or false, without quotes",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}
_RANGES = {
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} entries",
}
_OTHERS = {
    "missing": ("missing", "is required; add it"),
    "literal_error": ("unknown_value", "must be one of {expected}"),
    "finite_number": ("not_finite", "must be a finite number; NaN and Infinity are none"),
    "string_pattern_mismatch": ("bad_text", "holds a NUL character, which no text may; remove it"),
    "string_unicode": ("bad_text", "holds half of a surrogate pair; send well-formed Unicode"),
}


def reason(code: str, field: str, message: str) -> Reason:
    return {"code": code, "field": _printable(field)[:200], "message": _printable(message)}


def _printable(text: str) -> str:
    """Escape what Postgres refuses, which callers' own names for fields may hold."""
    return text if text.isprintable() else ascii(text)[1:-1]


def reasons_of(error: ValidationError) -> list[Reason]:
    details = error.errors(include_url=False, include_input=False)
    return [_reason_of(detail) for detail in one_of_ids(details)]


def one_of_ids(details: Iterable[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Yield one error for each id: of the way in which it was written, as far as that was one."""
    integers: dict[tuple[int | str, ...], ErrorDetails] = {}
    for detail in details:
        place, way = detail["loc"][:-1], detail["loc"][-1:]
        if way == (INTEGER,):
            integers[place] = detail
        elif way == (STRING,) and (integer := integers.pop(place, None)):
            error = detail if integer["type"] == "int_type" else integer
            kind = "id_type" if error["type"] == "string_type" else error["type"]
            yield {**error, "type": kind, "loc": place}
        else:
            yield detail


def _reason_of(detail: ErrorDetails) -> Reason:
    field = ".".join(str(part) for part in detail["loc"])
    kind = detail["type"]
    if kind in _TYPES:
        return reason("wrong_type", field, _TYPES[kind])
    if kind in _RANGES:
        return reason("out_of_range", field, _RANGES[kind].format(**detail["ctx"]))
    if kind in _OTHERS:
        code, message = _OTHERS[kind]
        return reason(code, field, message.format(**detail.get("ctx", {})))
    # It is one of ours, raised with a code and a message for the caller.
    return reason(kind, field, detail["msg"])
