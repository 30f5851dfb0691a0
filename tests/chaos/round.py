"""One round: a stream of three tenants goes through the house while operators work on what is found
in it, a fault strikes a few times, and then every account is settled.
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
from tests.chaos.settling import settle
from tests.chaos.stream import SITES, Stream, make_stream, publication
from tests.chaos.submitter import Submitter
from tests.chaos.truth import faults_in, feed_of
from tests.chaos.viewers import FeedMessage, Fleet, NodeFleet, PythonFleet, Scope, Viewer
from tests.end_to_end.waiting import wait_until

TENANTS = 3
RESULTS_SECONDS = 90


class Size(NamedTuple):
    """`seconds` is what the submission takes, into which the faults fall; `away_seconds` what Redis
    is stopped for.
    """

    punches: int
    seconds: float
    away_seconds: float


class Result(NamedTuple):
    """`lost` tasks the broker dropped before they were stored. `moves` are what operators did,
    reviews among them.

    `wrong` are sentences; there must be none.
    """

    tally: Tally
    moves: int
    lost: int
    wrong: list[str]
    seconds: float


def play(house: House, fault: Fault, number: int, seed: int, size: Size) -> Result:
    """Round `number` of this house: its tenants are its own."""
    began = time.monotonic()
    tenants = [10 * (number + 1) + ordinal for ordinal in range(TENANTS)]
    stream = make_stream(seed, tenants, size.punches)
    chance = random.Random(f"{fault.name} {seed}")
    with _submitting(house) as submitter, ExitStack() as stack:
        for roster in stream.rosters:
            submitter.send(roster)
        wait_until(
            lambda: settle(house, stream, nothing=True),
            "the rosters are stored and judged",
            seconds=RESULTS_SECONDS,
        )
        fleets = list(_fleets(house, tenants, stack))
        crew = Crew(house, tenants, seed)
        stack.callback(crew.close)
        viewers = [*crew.viewers, *(viewer for fleet in fleets for viewer in fleet.viewers)]
        wait_until(
            lambda: all(viewer.ledger.ready for viewer in viewers), "every viewer has its snapshot"
        )
        scene = Scene(
            house,
            [fleet for fleet in fleets if isinstance(fleet, NodeFleet)],
            chance,
            size.away_seconds,
        )
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


def _fleets(house: House, tenants: list[int], stack: ExitStack) -> Iterator[Fleet]:
    """Every scope, by both kinds of client, behind the balancer and at one server's own door, by
    websocket and by polling.
    """
    a, b, c = tenants
    wide = [
        Scope(a),
        Scope(a, (1, 2)),
        Scope(a, (3,)),
        Scope(a, filter={"severities": ["CRITICAL"]}),
        Scope(a, filter={"types": ["WRONG_PERSON"], "sites": [1, 2]}, tells=True),
        Scope(b),
        Scope(c, (1,)),
    ]
    narrow = [Scope(a), Scope(b, (4,)), Scope(c, filter={"types": ["GPS_SPOOFING"]}, tells=True)]
    python = [Scope(a), Scope(b, (2, 3)), Scope(c, filter={"severities": ["HIGH", "CRITICAL"]})]
    fleets: list[tuple[str, list[Scope], list[str]]] = [
        ("front", wide, ["websocket"]),
        ("door", narrow, ["polling", "websocket"]),
    ]
    for (name, scopes, transports), proxy in zip(
        fleets, (house.front, house.doors[0]), strict=True
    ):
        cast = [(scope, house.token(scope)) for scope in scopes]
        fleet: Fleet = NodeFleet(f"node {name}", house.url(proxy), cast, transports=transports)
        stack.callback(fleet.close)
        yield fleet
    for name, proxy, transports in (
        ("front", house.front, ["websocket"]),
        ("door", house.doors[1], ["polling"]),
    ):
        cast = [(scope, house.token(scope)) for scope in python]
        fleet = PythonFleet(house.backstage, f"python {name}", house.url(proxy), cast, transports)
        stack.callback(fleet.close)
        yield fleet


def _strike(fault: Fault, scene: Scene, submitter: Submitter, tasks: int) -> None:
    """At moments of the stream that the seed chooses, in its middle part."""
    for moment in sorted(scene.chance.uniform(0.1, 0.9) for _ in range(fault.times)):
        wait_until(
            lambda moment=moment: submitter.sent >= moment * tasks,
            "the stream goes on",
            seconds=RESULTS_SECONDS,
        )
        fault.inject(scene)


def _tallies(
    house: House, fault: Fault, stream: Stream, submitter: Submitter, viewers: list[Viewer]
) -> dict[Viewer, Tally]:
    """After a last message at every site, and one at none, so that whoever is behind would show it."""
    for tenant_id in stream.tenants:
        for site_id in (None, *SITES):
            stream.tasks.append(publication(tenant_id, f"last {site_id}", site_id))
            submitter.send(stream.tasks[-1])
    settle(house, stream, submitter)
    feeds = {tenant_id: feed_of(house, tenant_id) for tenant_id in stream.tenants}
    owed = {viewer: _owed(viewer, feeds) for viewer in viewers}
    # One that never gets its last message is found out by its ledger, and not here.
    deadline = time.monotonic() + RESULTS_SECONDS
    while time.monotonic() < deadline and not all(
        max(owed[v]) in v.ledger.positions[-50:] for v in viewers
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
