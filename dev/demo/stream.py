"""Streams the demo's work: simulated days in fast motion, and two desks on the real clock,
submitted as an existing app would.
"""

import heapq
import itertools
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import structlog
from kombu.exceptions import OperationalError

from dev.demo import desks, progress
from dev.demo.companies import ACME, companies
from dev.demo.load import history, rosters
from dev.demo.parcels import Parcel, delivery
from dev.demo.progress import Clock, Progress
from dev.existing_app import ExistingApp

BROKER_AWAY = "broker_away"
BROKER_BACK = "broker_back"
EDITION_BEGUN = "edition_begun"

_TICK_SECONDS = 0.5
_KEEP_EVERY = timedelta(seconds=5)
_AHEAD = timedelta(hours=6)  # shifts are synced so long before the simulated clock reaches them
_LONGEST_DELAY = timedelta(days=4)  # from the start of a day to the release of its last parcel
_SETTLING_SECONDS = 15.0  # for a new edition's rosters to be stored before its first punches

log = structlog.get_logger(__name__)


class Stream:
    """One run, until `stopping` is set. The broker may come and go meanwhile: what could not be
    submitted is submitted later.
    """

    def __init__(
        self, app: ExistingApp, folder: Path, speed: float, stopping: threading.Event
    ) -> None:
        self._app, self._folder, self._speed, self._stopping = app, folder, speed, stopping
        self._broker_away = False
        self._begin(progress.read(folder, datetime.now(UTC)))
        self._desks_until = self._kept_at = datetime.now(UTC)

    def run(self) -> None:
        while not self._stopping.wait(_TICK_SECONDS):
            try:
                self._tick(datetime.now(UTC))
            except OperationalError:
                self._note_broker(away=True)
            else:
                self._note_broker(away=False)
        progress.keep(self._folder, self._progress)

    def _begin(self, state: Progress) -> None:
        self._progress = state
        self._companies = companies(state.edition)
        self._clock = Clock(state.clock, self._speed)
        self._parcels: list[tuple[datetime, int, Parcel]] = []
        self._order = itertools.count()  # of parcels released together
        self._next_day = (state.clock - _LONGEST_DELAY).date()

    def _tick(self, now: datetime) -> None:
        if progress.is_over(self._progress, now):
            self._open(progress.next_edition(self._progress, now))
        clock = self._clock.now()
        while self._next_day <= (clock + _AHEAD).date():
            self._plan(self._next_day)
            self._next_day += timedelta(days=1)
        self._submit_parcels(clock)
        self._work_desks(now)
        if now - self._kept_at >= _KEEP_EVERY:
            progress.keep(self._folder, self._progress)
            self._kept_at = now

    def _open(self, state: Progress) -> None:
        """Open an edition: other people, at the same sites, over the same dates."""
        for company in companies(state.edition):
            for roster in rosters(company, state):
                self._app.sync_roster(roster)
        self._stopping.wait(_SETTLING_SECONDS)
        for company in companies(state.edition):
            self._app.submit_batch(history(company, state), backfill=True)
        self._begin(state)
        log.info(EDITION_BEGUN, edition=state.edition)

    def _plan(self, day: date) -> None:
        """Sync the day's shifts and queue its parcels; those released before were submitted by an
        earlier run.
        """
        for company in self._companies:
            planned = delivery(company, day)
            self._app.sync_roster(planned.roster)
            for parcel in planned.parcels:
                if parcel.release > self._progress.clock:
                    heapq.heappush(self._parcels, (parcel.release, next(self._order), parcel))

    def _submit_parcels(self, clock: datetime) -> None:
        """Submit the parcels that are due. Each leaves the heap only once the broker has it: twice
        is harmless, never would be a gap.
        """
        while self._parcels and self._parcels[0][0] <= clock:
            release, _, parcel = self._parcels[0]
            self._app.submit_batch(parcel.punches)
            heapq.heappop(self._parcels)
            self._progress = self._progress._replace(clock=release)
        self._progress = self._progress._replace(clock=max(clock, self._progress.clock))

    def _work_desks(self, now: datetime) -> None:
        acme = next(company for company in self._companies if company.tenant_id == ACME)
        for action in desks.actions(acme, self._desks_until, now):
            if action.task == "roster.sync":
                self._app.sync_roster(action.content)
            else:
                self._app.submit(action.content)
            self._desks_until = action.at
        self._desks_until = now

    def _note_broker(self, *, away: bool) -> None:
        if away != self._broker_away:
            log.warning(BROKER_AWAY) if away else log.info(BROKER_BACK)
        self._broker_away = away
