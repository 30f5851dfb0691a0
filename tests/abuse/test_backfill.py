"""Live before backfill: a tenant's own history delays its live punches by one batch at most, and
another tenant's hardly.
"""

from tests.abuse.cast import PUNCHES_A_TASK, batches, history, live_punch, planned
from tests.abuse.healthy import healthy_viewer
from tests.abuse.installation import Installation
from tests.abuse.size import JUDGED_SECONDS
from tests.chaos.stream import Task
from tests.end_to_end.waiting import wait_until
from worker.judging.work_queue import MOST_A_BATCH

HISTORY = 20_000
MOST_LIVE_PUNCHES = 3
# The batch that is at work when the live punch comes, and one more: the database is looked at a few
# times a second, not at the instant.
MOST_BATCHES = 2
_SHIFTS = "SELECT count(*) FROM shift WHERE tenant_id = %(id)s"
# History that is stored and judged, whether the live punch is stored, and whether it waits.
_LOOK = """
SELECT (SELECT count(*) FROM punch WHERE tenant_id = %(id)s AND backfill)
    - (SELECT count(*) FROM pending WHERE tenant_id = %(id)s AND punch_id LIKE 'history-%%'),
    EXISTS (SELECT FROM punch WHERE tenant_id = %(id)s AND punch_id = %(punch)s),
    EXISTS (SELECT FROM pending WHERE tenant_id = %(id)s AND punch_id = %(punch)s)
"""


def test_a_history_delays_a_live_punch_of_its_own_tenant_by_one_batch_at_most(
    installation: Installation,
) -> None:
    loading = installation.found()
    plan = planned(loading, HISTORY)
    installation.send([Task("roster.sync", {"roster": plan})])
    wait_until(
        lambda: installation.rows(_SHIFTS, id=loading) == [(len(plan["shifts"]),)],
        "the shifts are stored",
    )
    wait_until(lambda: installation.waiting(loading) == 0, "the shifts are judged")
    with healthy_viewer(installation) as viewer:
        installation.send(batches(history(loading, HISTORY), backfill=True))
        wait_until(
            lambda: installation.stored(loading) >= PUNCHES_A_TASK, "a task's history is stored"
        )
        judged: list[int] = []
        while len(judged) < MOST_LIVE_PUNCHES and _is_in_the_way(installation, loading):
            judged.append(_judged_before(installation, loading, len(judged)))
        viewer.go_on()
        wait_until(
            lambda: installation.waiting(loading) == 0, "all is judged", seconds=JUDGED_SECONDS
        )
        assert installation.stored(loading) == HISTORY + len(judged)
    assert judged, "all history was judged before it could be in the way"
    assert max(judged) <= MOST_BATCHES * MOST_A_BATCH, judged


def _is_in_the_way(installation: Installation, tenant_id: int) -> bool:
    """Whether more history waits than a live punch may have before it."""
    return installation.waiting(tenant_id) > MOST_BATCHES * MOST_A_BATCH


def _judged_before(installation: Installation, tenant_id: int, number: int) -> int:
    """Submit a live punch; return how much history was judged between its storing and its own
    judgement.
    """
    punch = live_punch(tenant_id, number)

    def look() -> tuple[int, bool, bool]:
        judged, stored, waits = installation.rows(_LOOK, id=tenant_id, punch=punch["punch_id"])[0]
        return judged, stored, waits

    installation.send([Task("attendance.submit", {"punch": punch})])
    wait_until(lambda: look()[1], "the live punch is stored")
    before = look()[0]
    wait_until(lambda: not look()[2], "the live punch is judged", seconds=JUDGED_SECONDS)
    return look()[0] - before
