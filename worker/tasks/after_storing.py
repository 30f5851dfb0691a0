"""Judge what a task has stored, and judge tenants in turn.

To store it is all that the task owes its broker. Where judging fails or is cut off, the rows that
wait for it remain, and the sweep takes them.
"""

import random
import time
from collections.abc import Callable, Collection, Iterable

import structlog
from celery import current_app
from kombu.exceptions import OperationalError
from sqlalchemy import Engine

from models.broker import JUDGE_TASK
from models.ids import Id
from worker import metrics
from worker.emit import Emit
from worker.judging import turns
from worker.judging.database_away import DATABASE_ERRORS
from worker.judging.judge import TURN_SECONDS, judge
from worker.judging.sweep import judge_left
from worker.judging.turns import Turn
from worker.process import this_process

JUDGING_FAILED = "judging_failed"
JUDGING_PUT_OFF = "judging_put_off"
LAST_SECONDS = 40.0  # of a process that ends

log = structlog.get_logger(__name__)

# Returns whether more is left to judge; it may return None where somebody else has the tenant.
Judging = Callable[[Engine, Id, Emit], bool | None]


def judge_stored(tenants: Collection[Id], began: float) -> None:
    """Judge what was stored since `began`, on the monotonic clock.

    Where to store it took as long as a turn, the process has others to serve: the tenants are
    judged in turns of their own.
    """
    if time.monotonic() - began < TURN_SECONDS:
        judge_now(tenants)
    else:
        ask_for_turns(tenants)


def judge_now(tenants: Iterable[Id]) -> None:
    """Judge what waits of the tenants, for as long as a turn takes.

    What more waits is judged in turns, as is all of a tenant whose turn is asked for already. A few
    punches that come meanwhile may be left for later.
    """
    ask_for_turns(for_each(tenants, _judge_unless_asked))


def take_turn(turn: Turn) -> None:
    """Judge a tenant in its turn, and ask for its next one where more waits.

    Where somebody else has the tenant, who may not be judging what waits, it is asked for once
    more. A task that is no turn of the tenant, such as a server's, judges what was stored.
    """
    process = this_process()
    of_sweep = turns.begin(process.engine, turn)
    if of_sweep is None:
        judge_now([turn.tenant_id])
        return
    judging = _judge_left_first if of_sweep else _judge
    more = _survive(judging, turn.tenant_id)
    if more:
        ask_for_turns([turn.tenant_id])
    elif more is None and not turn.is_second:
        ask_for_turns([turn.tenant_id], of_sweep=of_sweep, second=True)
    else:
        turns.end(process.engine, turn)


def ask_for_turns(tenants: Collection[Id], *, of_sweep: bool = False, second: bool = False) -> None:
    """Enqueue one judge task per tenant that has none waiting yet, and note that it is enqueued.

    It has the limits of every task. Its queue is not that of the punches, where it would come after
    all of those that wait.
    """
    if not tenants:
        return
    engine = this_process().engine
    try:
        _send(engine, turns.ask(engine, tenants, of_sweep=of_sweep, second=second))
    except (OperationalError, *DATABASE_ERRORS) as away:  # the sweep finds what waits
        log.warning(JUDGING_PUT_OFF, tenants=sorted(tenants), error=type(away).__name__)


def _send(engine: Engine, wanted: list[Turn]) -> None:
    """Enqueue the tasks of turns. What cannot be is not noted as asked for any more.

    Else whoever stores something of these tenants would leave it to a turn that does not come.
    """
    judge_tenant = current_app.tasks[JUDGE_TASK]
    for number, turn in enumerate(wanted):
        try:
            judge_tenant.apply_async(kwargs={"tenant_id": turn.tenant_id}, task_id=turn.task_id)
        except OperationalError:
            turns.take_back(engine, wanted[number:])
            raise


def leave_for_a_moment(tenants: Collection[Id]) -> bool:
    """Have what waits of the tenants judged in a moment, if more waits to be stored.

    Return whether it is left. It is not while the queue is calm.
    """
    gathering = this_process().gathering
    seconds = gathering.seconds_to_wait()
    if seconds:
        gathering.leave(tenants, seconds, ask_for_turns)
    return bool(seconds)


def judge_gathered() -> None:
    """Judge what this process has left for a moment, as it ends.

    A task for it might find no worker any more.
    """
    for_each(this_process().gathering.take(), judge, seconds=LAST_SECONDS)


def for_each(tenants: Iterable[Id], judging: Judging, *, seconds: float = TURN_SECONDS) -> list[Id]:
    """Call `judging` for each tenant, and return those that were left, or have more to judge.

    None begins after so many `seconds`. The order is random, so that a tenant that kills its judge
    does not come first each time.
    """
    until = time.monotonic() + seconds
    shuffled = sorted(tenants, key=lambda _: random.random())  # noqa: S311 - no secret
    return [
        tenant_id
        for tenant_id in shuffled
        if time.monotonic() >= until or _survive(judging, tenant_id)
    ]


def _judge_unless_asked(engine: Engine, tenant_id: Id, emit: Emit) -> bool | None:
    return _judge(engine, tenant_id, emit, unless_asked=True)


def _judge(engine: Engine, tenant_id: Id, emit: Emit, *, unless_asked: bool = False) -> bool | None:
    return judge(
        engine,
        tenant_id,
        emit,
        lambda: leave_for_a_moment([tenant_id]),
        seconds=TURN_SECONDS,
        unless_asked=unless_asked,
    )


def _judge_left_first(engine: Engine, tenant_id: Id, emit: Emit) -> bool | None:
    return judge_left(engine, tenant_id, emit, seconds=TURN_SECONDS) or _judge(
        engine, tenant_id, emit
    )


def _survive(judging: Judging, tenant_id: Id) -> bool | None:
    """Call `judging`, and return what it does. Log and count its failure.

    What waited stays in its table. The sweep takes it, halving what fails.
    """
    process = this_process()
    try:
        return judging(process.engine, tenant_id, process.emit)
    except Exception as error:
        metrics.JUDGING_FAILED.inc()
        log.error(JUDGING_FAILED, tenant_id=tenant_id, exc_info=error)
        return False
