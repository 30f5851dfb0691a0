"""The tasks `upkeep.*`, which beat and servers send. None brings anything that could be lost."""

from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta
from typing import Any

from kombu.exceptions import OperationalError
from sqlalchemy import Engine

from models.alerts.calendar import extend_due
from models.broker import JUDGE_TASK
from models.database import autocommitted, transaction
from models.due import tenants_due as chores_due
from models.ids import Id, StringId
from models.intake.roster.current import CHORE as VERSIONS
from models.intake.roster.current import bring_up_to_date
from models.intake.submitting import adopt_rows
from models.numbering import find_tenant
from worker import metrics
from worker.alerts.escalation import keep_alerts, tenants_due
from worker.emit import Emit
from worker.judging.judge import TURN_SECONDS
from worker.judging.sweep import judge_moments, tenants_left, tenants_unswept, without_turn
from worker.judging.turns import Turn
from worker.judging.work_queue import anything_waits
from worker.process import this_process
from worker.retention import prune
from worker.tasks.after_storing import ask_for_turns, for_each, take_turn
from worker.tasks.base import QuietTask, task

SWEEP_EVERY = timedelta(seconds=30)
ADOPTING_SECONDS = 300.0

_UPKEEP: dict[str, Any] = {
    "base": QuietTask,
    "acks_late": False,
    "retry_on_worker_lost": False,
    "max_retries": 0,
}


@task(JUDGE_TASK, bind=True, **_UPKEEP)
def judge_tenant(self: QuietTask, tenant_id: int | str) -> None:
    """Judge what waits of the tenant, in its turn.

    Servers that have stored punches send this too, and it judges at once.
    """
    named = StringId(tenant_id) if isinstance(tenant_id, str) else tenant_id
    take_turn(Turn(find_tenant(this_process().engine, named), self.request.id))


@task("upkeep.sweep_left", send_events=False, **_UPKEEP)
def sweep_left() -> None:
    """Ask for a turn of each tenant of which a crash left something. Runs every second."""
    process = this_process()
    with transaction(process.engine) as cursor:
        left = tenants_left(cursor)
        unattended = without_turn(cursor, left)
    metrics.UNJUDGED.set(sum(tenant.rows for tenant in left.values()))
    ask_for_turns(unattended, of_sweep=True)


@task("upkeep.sweep_moments", bind=True, **_UPKEEP)
def sweep_moments(self: QuietTask) -> None:
    """Judge what the passing of time has changed. Runs every half minute.

    Rows of the roster of which a version begins or ends are brought up to date after that: it is
    not by them that anything is judged.
    """
    with transaction(this_process().engine) as cursor:
        tenants = tenants_unswept(cursor, SWEEP_EVERY / 2)
        with_versions = chores_due(cursor, VERSIONS)
    left = for_each(tenants, _judge_moments) + for_each(with_versions, _bring_up_to_date)
    _go_on(self, left)


@task("upkeep.keep_alerts", bind=True, **_UPKEEP)
def keep_all_alerts(self: QuietTask) -> None:
    """Do what time does to alerts. Runs every quarter minute."""
    with transaction(this_process().engine) as cursor:
        tenants = tenants_due(cursor)
    _go_on(self, for_each(tenants, _keep_alerts))


def _judge_moments(engine: Engine, tenant_id: Id, emit: Emit) -> bool:
    """Judge moments, and have the tenant judged in its turn where something waits afterwards.

    That is what the sweep itself has left, and what came while it held the tenant's lock: a turn
    that finds the lock taken leaves the work to its holder.
    """
    is_more = judge_moments(engine, tenant_id, emit, seconds=TURN_SECONDS)
    with autocommitted(engine) as cursor:
        waits = anything_waits(cursor, tenant_id)
    if waits:
        ask_for_turns([tenant_id])
    return is_more


def _keep_alerts(engine: Engine, tenant_id: Id, emit: Emit) -> bool:
    return keep_alerts(engine, tenant_id, emit, seconds=TURN_SECONDS)


def _bring_up_to_date(engine: Engine, tenant_id: Id, _emit: Emit) -> None:
    bring_up_to_date(engine, tenant_id)


def _go_on(sweep: QuietTask, left: Collection[Id]) -> None:
    """Have another task of this kind go on where tenants are left."""
    if left:
        with suppress(OperationalError):  # beat sends the next
            sweep.apply_async(expires=SWEEP_EVERY.total_seconds())


@task("upkeep.prune", soft_time_limit=3_000, time_limit=3_060, **_UPKEEP)
def prune_old() -> None:
    """Remove what is older than it is to be kept, and extend calendars. Runs every ten minutes.

    Before, what a worker of the release before wrote into rosters is taken as said.
    """
    process = this_process()
    try:
        adopt_rows(process.engine, seconds=ADOPTING_SECONDS)
        extend_due(process.engine)
    finally:
        prune(process.engine, timedelta(days=process.settings.feed_retention_days))


@task("upkeep.pass_through", send_events=False, **_UPKEEP)
def pass_through() -> None:
    """Come through the queue `attendance`, so that worker.tasks.pulse notes it.

    Runs every quarter minute.
    """
