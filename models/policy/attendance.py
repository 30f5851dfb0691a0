"""The policy of attendance: how punches make spells, and which shift those belong to."""

from typing import Annotated

from pydantic import Field

from models.policy.measures import Hours, Minutes
from models.policy.part import Part

HoursOfADay = Annotated[float, Field(ge=0, le=24)]


class Attendance(Part):
    repeat_minutes: Minutes = 10
    max_spell_hours: Hours = 36
    max_work_hours: Hours = 16
    missing_check_out_after_hours: Hours = 6
    holdover_minutes: Minutes = 120
    handover_minutes: Minutes = 30
    max_break_minutes: Minutes = 90
    tap_gap_hours: HoursOfADay = 10
    early_window_minutes: Minutes = 60
    early_limit_hours: HoursOfADay = 4
    grace_minutes: Minutes = 15
