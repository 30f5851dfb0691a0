"""What somebody sends to have it quiet: a silence, or a maintenance window that recurs or not."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from models.recurrence import parse_rule
from models.schemas.fields import Id, Instant, Text
from models.schemas.instants import parse_instant
from models.vocabulary import SEVERITIES, TYPES, AnomalyType, Severity

LONGEST = timedelta(days=31)  # of quiet


def _wall(value: object) -> datetime:
    try:
        moment = parse_instant(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise PydanticCustomError(
            "not_wall_time",
            "is no wall time; write it without an offset, such as 2026-11-23T22:00:00",
        )
    return moment


# A reason of blanks is none.
Reason = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Wall = Annotated[datetime, BeforeValidator(_wall)]


class _Matchers(BaseModel):
    """What is to be quiet: OR within a list, AND between them; an empty one means all."""

    model_config = ConfigDict(strict=True, extra="forbid")

    reason: Reason
    types: Annotated[list[AnomalyType], Field(max_length=len(TYPES))] = []
    severities: Annotated[list[Severity], Field(max_length=len(SEVERITIES))] = []
    sites: Annotated[list[Id], Field(max_length=1_000)] = []
    people: Annotated[list[Id], Field(max_length=1_000)] = []


class Silence(_Matchers):
    """From now until `ends_at`, at most 31 days ahead."""

    kind: Literal["silence"]
    ends_at: Instant


class Planned(_Matchers):
    """A maintenance window from one moment to another."""

    kind: Literal["maintenance"]
    starts_at: Instant
    ends_at: Instant

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not timedelta(0) < self.ends_at - self.starts_at <= LONGEST:
            raise PydanticCustomError(
                "bad_length", "ends_at comes after starts_at, by at most 31 days"
            )
        return self


class Recurring(_Matchers):
    """A maintenance window by an RFC 5545 rule, in the wall time of each site it is for;
    `starts_at` is its first start.
    """

    kind: Literal["recurring"]
    starts_at: Wall
    duration_minutes: Annotated[float, Field(gt=0, le=44_640)]
    rrule: Annotated[Text, Field(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _rule(self) -> Self:
        try:
            parse_rule(self.rrule, self.starts_at)
        except ValueError as error:
            raise PydanticCustomError("bad_rule", "{message}", {"message": str(error)}) from error
        return self


WantedQuiet = Annotated[Silence | Planned | Recurring, Field(discriminator="kind")]
