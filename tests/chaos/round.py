"""Plays one round: a stream of three tenants goes through the house while operators work on what is
found in it, a fault strikes a few times, and then every account is settled.
"""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from tests.chaos.crew import Crew
from tests.chaos.faults import Fault, Scene
from tests.chaos.house import House
from tests.chaos.ledger import Payload, Tally
from tests.chaos.settling import is_judged, settle
from tests.chaos.stream import SITES, Stream, make_stream, publication
from tests.chaos.submitter import Submitter
from tests.chaos.truth import faults_in, feed_of
from tests.chaos.viewers import FeedMessage, Fleet, NodeFleet, PythonFleet, Scope, Viewer
from tests.end_to_end.waiting import wait_until

TENANTS = 3
RESULTS_SECONDS = 90


class Size(NamedTuple):
    """The size of a round. The stream is submitted over `seconds`, in which the faults strike;
    Redis is stopped for `away_seconds`.
    """

    punches: int
    seconds: float
    away_seconds: float


class Result(NamedTuple):
    """The outcome of a round. `moves` counts what operators did, reviews included, and `lost` the
    tasks that the broker dropped before they were stored.

    `wrong` has a sentence for whatever was wrong; there must be none.
    """

    tally: Tally
    moves: int
    lost: int
    wrong: list[str]
    seconds: float


def play(house: House, fault: Fault, number: int, seed: int, size: Size) -> Result:
    """Play round `number` of this house, which has tenants of its own."""
    began = time.monotonic()
    tenants = [10 * (number + 1) + ordinal for ordinal in range(TENANTS)]
    stream = make_stream(seed, tenants, size.punches)
    chance = random.Random(f"{fault.name} {seed}")
    with _submitting(house) as submitter, ExitStack() as stack:
        _submit_rosters(house, stream, submitter)
        fleets = list(_fleets(house, tenants, stack))
        crew = Crew(house, tenants, seed)
        stack.callback(crew.close)
        viewers = [*crew.viewers, *(viewer for fleet in fleets for viewer in fleet.viewers)]
        wait_until(
            lambda: all(viewer.ledger.ready for viewer in viewers), "every viewer has its snapshot"
        )
        node_fleets = [fleet for fleet in fleets if isinstance(fleet, NodeFleet)]
        scene = Scene(house, node_fleets, chance, size.away_seconds)
        crew.work()
        submitter.start(stream.tasks, size.seconds)
        _strike(fault, scene, submitter, len(stream.tasks))
        wait_until(lambda: submitter.is_done, "all is submitted", seconds=RESULTS_SECONDS)
        lost = settle(house, stream, submitter)
        crew.stop()
        tallies = _tallies(house, fault, stream, submitter, viewers)
        may_not_lose = 0 if fault.broker_may_lose and not house.broker.is_rabbitmq else lost
        wrong = [
            *faults_in(house, stream, crew, may_not_lose),
            *house.ended(),
            *_complaints(tallies, fault),
        ]
    return Result(sum(tallies.values(), Tally()), crew.done, lost, wrong, time.monotonic() - began)


@contextmanager
def _submitting(house: House) -> Iterator[Submitter]:
    submitter = Submitter(*house.broker)
    try:
        yield submitter
    finally:
        submitter.close()


def _submit_rosters(house: House, stream: Stream, submitter: Submitter) -> None:
    """Submit the rosters, and wait until they are stored and judged."""
    for roster in stream.rosters:
        submitter.send(roster)
    wait_until(
        lambda: is_judged(house, stream),
        "the rosters are stored and judged",
        seconds=RESULTS_SECONDS,
    )


def _fleets(house: House, tenants: list[int], stack: ExitStack) -> Iterator[Fleet]:
    """Start viewers of every scope, by both kinds of client, through the balancer and straight to
    one server, by websocket and by polling.
    """
    a, b, c = tenants
    wide = [
        Scope(a),
        Scope(a, (1, 2)),
        Scope(a, (3,)),
        Scope(a, filter={"severities": ["CRITICAL"]}),
        Scope(a, filter={"types": ["WRONG_PERSON"], "sites": [1, 2]}, by_event=True),
        Scope(b),
        Scope(c, (1,)),
    ]
    narrow = [Scope(a), Scope(b, (4,)), Scope(c, filter={"types": ["GPS_SPOOFING"]}, by_event=True)]
    python = [Scope(a), Scope(b, (2, 3)), Scope(c, filter={"severities": ["HIGH", "CRITICAL"]})]
    fleets: list[tuple[str, list[Scope], list[str]]] = [
        ("front", wide, ["websocket"]),
        ("direct", narrow, ["polling", "websocket"]),
    ]
    for (name, scopes, transports), proxy in zip(
        fleets, (house.front, house.direct[0]), strict=True
    ):
        cast = [(scope, house.token(scope)) for scope in scopes]
        fleet: Fleet = NodeFleet(f"node {name}", house.url(proxy), cast, transports=transports)
        stack.callback(fleet.close)
        yield fleet
    for name, proxy, transports in (
        ("front", house.front, ["websocket"]),
        ("direct", house.direct[1], ["polling"]),
    ):
        cast = [(scope, house.token(scope)) for scope in python]
        fleet = PythonFleet(house.backstage, f"python {name}", house.url(proxy), cast, transports)
        stack.callback(fleet.close)
        yield fleet


def _strike(fault: Fault, scene: Scene, submitter: Submitter, tasks: int) -> None:
    """Inject the fault at moments that the seed chooses, in the middle part of the stream."""
    for share in sorted(scene.chance.uniform(0.1, 0.9) for _ in range(fault.times)):
        _wait_sent(submitter, share * tasks)
        fault.inject(scene)


def _wait_sent(submitter: Submitter, tasks: float) -> None:
    wait_until(lambda: submitter.sent >= tasks, "the stream goes on", seconds=RESULTS_SECONDS)


def _tallies(
    house: House, fault: Fault, stream: Stream, submitter: Submitter, viewers: list[Viewer]
) -> dict[Viewer, Tally]:
    """Have a last message said at every site, and one at none, so that whoever is behind would show
    it; then count each viewer's messages.
    """
    for tenant_id in stream.tenants:
        for site_id in (None, *SITES):
            stream.tasks.append(publication(tenant_id, f"last {site_id}", site_id))
            submitter.send(stream.tasks[-1])
    settle(house, stream, submitter)
    feeds = {tenant_id: feed_of(house, tenant_id) for tenant_id in stream.tenants}
    owed = {viewer: _owed(viewer, feeds) for viewer in viewers}
    # A viewer that never gets its last message is found out by its ledger, and not here.
    deadline = time.monotonic() + RESULTS_SECONDS
    while time.monotonic() < deadline and not all(
        max(owed[viewer]) in viewer.ledger.positions[-50:] for viewer in viewers
    ):
        time.sleep(0.05)
    return {viewer: viewer.ledger.tally(owed[viewer], fault.excused) for viewer in viewers}


def _owed(viewer: Viewer, feeds: dict[int, list[FeedMessage]]) -> dict[int, Payload]:
    return {
        message.position: message.payload
        for message in feeds[viewer.scope.tenant_id]
        if viewer.scope.hears(message)
    }


def _complaints(tallies: dict[Viewer, Tally], fault: Fault) -> Iterator[str]:
    for viewer, tally in tallies.items():
        if not tally.is_clean:
            yield f"{viewer.name}: {tally}; the last of its troubles: {viewer.ledger.trouble[-3:]}"
        if reasons := viewer.ledger.reasons() - fault.excused:
            yield f"{viewer.name} was told to resync: {', '.join(sorted(reasons))}"
