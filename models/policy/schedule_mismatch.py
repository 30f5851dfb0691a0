"""The policy of Schedule Mismatch."""

from typing import Annotated

from pydantic import Field

from models.policy.measures import Minutes, Share
from models.policy.part import TypePolicy
from models.vocabulary import Severity


class ScheduleMismatch(TypePolicy):
    weight: Share = 0.20

    # Up to a year, for tenants that enter punches days after the fact. It looks back from the
    # moment of judging, and makes no punch dearer to judge.
    no_show_after_minutes: Annotated[float, Field(ge=0, le=527_040)] = 30
    silent_people: Annotated[int, Field(ge=1, le=1_000)] = 3
    # A guarded post sets less.
    post_empty_minutes: Minutes = 90

    late_severity: Severity = "LOW"
    left_early_severity: Severity = "LOW"
    early_severity: Severity = "LOW"
    wrong_site_severity: Severity = "HIGH"
    unscheduled_severity: Severity = "MEDIUM"
    no_show_severity: Severity = "HIGH"
    stood_in_for_severity: Severity = "LOW"
    no_show_unheard_severity: Severity = "LOW"
    post_empty_severity: Severity = "HIGH"
    missing_check_out_severity: Severity = "LOW"
    missing_check_in_severity: Severity = "LOW"
    on_leave_severity: Severity = "MEDIUM"
