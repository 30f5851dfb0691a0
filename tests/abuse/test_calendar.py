"""Calendar rules: windows that are hard to reckon slow neither others nor their own tenant."""

import time

from tests.abuse.cast import SITE, live_punch
from tests.abuse.healthy import MOST_TIMES, healthy_viewer
from tests.abuse.installation import POOL_PROCESSES, Installation
from tests.abuse.size import SIZE
from tests.chaos.stream import Task
from tests.end_to_end.waiting import wait_until

WINDOWS = 60  # each starts at a minute of its own
HOURS = ",".join(map(str, range(24)))
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
PUNCHES = 5
_JUDGED = """
SELECT EXISTS (SELECT FROM punch WHERE tenant_id = %(id)s AND punch_id = %(punch)s)
    AND NOT EXISTS (SELECT FROM pending WHERE tenant_id = %(id)s)
"""


def window(number: int) -> dict[str, object]:
    """Return a window of a minute at every hour of a weekday, for ever since the year 2000."""
    return {
        "kind": "recurring",
        "reason": f"window {number}",
        "types": ["WRONG_PERSON"],
        "starts_at": f"2000-01-01T00:{number:02}:00",
        "duration_minutes": 1,
        "rrule": f"FREQ=YEARLY;BYDAY={DAYS[number % 7]};BYHOUR={HOURS}",
    }


def test_hostile_windows_delay_nobody(installation: Installation) -> None:
    """They may be refused, by a quota or for what they are; those that are taken cost little."""
    hostile = [installation.found() for _ in range(POOL_PROCESSES)]
    tokens = {tenant_id: installation.token(tenant_id, "operator") for tenant_id in hostile}
    with healthy_viewer(installation) as viewer:
        calm = max(_judged_in(installation, hostile[0], number) for number in range(PUNCHES))
        for number in range(WINDOWS):
            for tenant_id in hostile:
                answer = installation.ask("/api/v1/quiet", tokens[tenant_id], window(number))
                assert answer.status == 201 or 400 <= answer.status < 500, answer
        installation.send(
            [
                Task("attendance.submit", {"punch": live_punch(tenant_id, PUNCHES + number)})
                for number in range(PUNCHES)
                for tenant_id in hostile
            ]
        )
        viewer.go_on()
        wait_until(lambda: installation.waiting(*hostile) == 0, "they are judged", seconds=120)
        abused = _judged_in(installation, hostile[0], 2 * PUNCHES)
    allowed = MOST_TIMES * max(SIZE.calm_seconds, calm)
    assert abused <= allowed, f"{abused:.2f} s, {calm:.2f} s without windows"


def test_a_window_for_a_site_that_does_not_exist_is_refused(installation: Installation) -> None:
    tenant_id = installation.found()
    token = installation.token(tenant_id, "operator")
    at = {"sites": [SITE]}
    nowhere = {"sites": [SITE + 1]}
    assert installation.ask("/api/v1/quiet", token, window(0) | at).status == 201
    refused = installation.ask("/api/v1/quiet", token, window(1) | nowhere)
    assert 400 <= refused.status < 500, refused


def _judged_in(installation: Installation, tenant_id: int, number: int) -> float:
    """Submit a live punch of the tenant; return how many seconds it took to be judged."""
    punch = live_punch(tenant_id, number)
    began = time.monotonic()
    installation.send([Task("attendance.submit", {"punch": punch})])
    wait_until(
        lambda: installation.one(_JUDGED, id=tenant_id, punch=punch["punch_id"]),
        "the punch is judged",
        seconds=120,
    )
    return time.monotonic() - began
