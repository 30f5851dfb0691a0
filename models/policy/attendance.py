"""The policy of attendance: how punches make spells, and which shift those belong to."""

from typing import Annotated

from pydantic import Field

from models.policy.measures import Hours, Minutes
from models.policy.part import Part


class Attendance(Part):
    repeat_minutes: Minutes = 10
    max_spell_hours: Hours = 36
    max_work_hours: Hours = 16
    missing_check_out_after_hours: Hours = 6
    holdover_minutes: Minutes = 120
    early_window_minutes: Minutes = 60
    early_limit_hours: Annotated[float, Field(ge=0, le=24)] = 4
    grace_minutes: Minutes = 15
