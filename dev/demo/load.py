"""Loads the demo: its rosters, and a few days as history. Loading it again changes nothing."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from dev.demo import progress
from dev.demo.companies import ACME, companies, opening_roster
from dev.demo.desks import first_punches
from dev.demo.parcels import delivery
from dev.demo.progress import Progress
from dev.simulator.company import Company
from models import intake

_HISTORY = timedelta(days=7)  # enough for people's own biometric baselines


class RefusedRows(Exception):
    """The demo's own rows were refused: its simulator and the contract have come apart."""


def load(engine: Engine, folder: Path) -> None:
    """Store the demo by the functions that the tasks call, so that all of it is there before the
    first punch is streamed. Raises RefusedRows.
    """
    now = datetime.now(UTC)
    state = progress.read(folder, now)
    for company in companies(state.edition):
        for roster in rosters(company, state):
            _check_none(intake.sync_roster(engine, roster).refused)
        punches = history(company, state)
        if not state.has_run() and punches:
            outcomes = intake.submit(
                engine, punches, backfill=True, by=intake.Submitter("attendance.submit_batch")
            )
            _check_none([outcome for outcome in outcomes if outcome.status != "accepted"])
    progress.keep(folder, state)


def rosters(company: Company, state: Progress) -> list[dict[str, Any]]:
    return [opening_roster(company), *(delivery(company, day).roster for day in _days(state))]


def history(company: Company, state: Progress) -> list[dict[str, Any]]:
    """The punches submitted before the edition began."""
    parcels = (parcel for day in _days(state) for parcel in delivery(company, day).parcels)
    opening = first_punches(company, state.begun) if company.tenant_id == ACME else []
    return opening + [
        punch for parcel in parcels if parcel.release <= state.begun for punch in parcel.punches
    ]


def _days(state: Progress) -> list[date]:
    """The days of the history, up to where the clock starts. Parcels of the last ones are still to
    come.
    """
    first = (state.begun - _HISTORY).date()
    return [first + timedelta(days=n) for n in range((state.begun.date() - first).days + 1)]


def _check_none(refused: list[Any]) -> None:
    if refused:
        raise RefusedRows(refused[:3])
