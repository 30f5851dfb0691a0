"""Checking whether Postgres could keep what came in, where no schema names its fields."""

import math

from models.intake.content import as_json
from models.intake.refused.reasons import Reason, reason


def flaws(value: object, field: str) -> list[Reason]:
    """Return why unknown fields cannot be kept, which is only for what Postgres' JSON refuses."""
    try:
        text = as_json(value)
    except TypeError:
        return [
            reason(
                "bad_json",
                field,
                "holds what JSON cannot: broken Unicode, a number beyond 64 bits,"
                " or nesting beyond 250 levels",
            )
        ]
    # orjson writes NaN as null, and an escaped backslash may look like NUL: in either case look
    # closely.
    return list(_flaws_within(value, field)) if b"\\u0000" in text or b"null" in text else []


def _flaws_within(value: object, field: str) -> list[Reason]:
    if isinstance(value, str) and "\0" in value:
        return [reason("bad_text", field, "holds a NUL character, which no text may; remove it")]
    if isinstance(value, float) and not math.isfinite(value):
        return [reason("not_finite", field, "must be a finite number; NaN and Infinity are none")]
    if isinstance(value, dict):
        inner = [*value, *value.values()]
        return [flaw for item in inner for flaw in _flaws_within(item, field)]
    if isinstance(value, list):
        return [flaw for item in value for flaw in _flaws_within(item, field)]
    return []
