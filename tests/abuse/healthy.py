"""The healthy viewer: it notes how long each live punch of its tenant takes to reach it, first in
a calm stretch, then while something is abused.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from tests.abuse.cast import live_punch
from tests.abuse.installation import Installation
from tests.abuse.size import SIZE
from tests.chaos.ledger import NOT_OF_THE_FEED, Ledger, Payload
from tests.chaos.proxy import Backstage
from tests.chaos.stream import Task
from tests.chaos.viewers import PythonClient, Scope, Viewer
from tests.end_to_end.waiting import wait_until

# A punch so often: ten a second leave a worker idle most of the time.
EVERY_SECONDS = 0.1
# The first punches open connections and fill caches, and are not timed.
WARMING_PUNCHES = 10
# Under abuse the worst wait is at most so many times the calm one.
MOST_TIMES = 5
# By how much server and worker may grow, together: 10,000 punches of a task are some 30 MB in each
# process that reads them, twice, and a batch of 1,000 with its windows as much again.
MOST_GROWTH_BYTES = 256 * 1024 * 1024
# What is still missing after this is counted as lost.
LOST_SECONDS = 60


@dataclass
class Waits:
    """When each live punch was submitted, and when the viewer heard of it, in seconds."""

    sent: dict[str, float] = field(default_factory=dict)
    heard: dict[str, float] = field(default_factory=dict)

    def of(self, punch_ids: list[str]) -> list[float]:
        return [self.heard[punch_id] - self.sent[punch_id] for punch_id in punch_ids]

    def missing(self) -> set[str]:
        return self.sent.keys() - self.heard.keys()

    def later_than(self, seconds: float) -> list[float]:
        """The waits that were longer, the worst first."""
        waits = self.of([punch_id for punch_id in self.sent if punch_id in self.heard])
        return sorted((wait for wait in waits if wait > seconds), reverse=True)


class HealthyViewer:
    """A viewer of one tenant, and the punches of that tenant, which go on until `stop`."""

    def __init__(
        self, installation: Installation, backstage: Backstage, url: str, token: str, ours: int
    ) -> None:
        self.installation, self.tenant_id = installation, ours
        self.ledger = Ledger()
        self.waits = Waits()
        self.client = PythonClient(Viewer("healthy", Scope(ours), self.ledger), token)
        self.client.also = self._hear
        self.calm: list[str] = []
        self.calm_memory = self.most_memory = sum(installation.memory().values())
        self._backstage = backstage
        self._stopped = threading.Event()
        self._sending = threading.Thread(target=self._send, daemon=True)
        backstage.run(self.client.connect(url, ["websocket"]))
        wait_until(lambda: self.ledger.ready, "the viewer has its snapshot")

    def go_on(self, punches: int = SIZE.punches_after) -> None:
        """Return when so many further punches were submitted."""
        last = len(self.waits.sent) + punches
        wait_until(lambda: len(self.waits.sent) >= last, "punches are submitted", seconds=120)

    def be_calm(self) -> None:
        """Take the measure of a calm stretch."""
        self._sending.start()
        self.go_on(WARMING_PUNCHES)
        before = set(self.waits.sent)
        self.go_on(SIZE.calm_punches)
        self.calm = [punch_id for punch_id in list(self.waits.sent) if punch_id not in before]
        wait_until(lambda: not set(self.calm) & self.waits.missing(), "calm punches are heard of")
        self.calm_memory = self.most_memory = sum(self.installation.memory().values())

    def ask(self, event: str, data: Payload, seconds: float) -> Payload:
        """Emit an event; return its acknowledgement. Raises TimeoutError where none comes."""
        return self._backstage.run(self.client.ask(event, data, seconds), seconds + 10)

    def allowed_seconds(self) -> float:
        """How long a live punch may take under abuse."""
        return MOST_TIMES * max(SIZE.calm_seconds, *self.waits.of(self.calm))

    def check(self) -> None:
        """Stop the punches, and see that all was heard: once, in order, in time, and no more."""
        self._stopped.set()
        self._sending.join()
        self._wait_for_the_last()
        assert not self.waits.missing(), f"never heard of: {sorted(self.waits.missing())}"
        head = self.installation.head(self.tenant_id)
        assert list(faults_of_messages(self.ledger, self.tenant_id, head)) == []
        allowed = self.allowed_seconds()
        late = self.waits.later_than(allowed)
        assert not late, f"later than {allowed:.2f} s: {len(late)}, the worst {late[0]:.2f} s"
        growth = self.most_memory - self.calm_memory
        assert growth <= MOST_GROWTH_BYTES, f"{growth:,} bytes more"

    def report(self) -> str:
        """The calm waits and those under abuse, in milliseconds, and how much memory it took."""
        calm = self.waits.of(self.calm)
        others = self.waits.of(
            [punch_id for punch_id in self.waits.heard if punch_id not in self.calm]
        )
        return (
            f"calm {_milliseconds(calm)}, abused {_milliseconds(others)}, of {len(others)} punches;"
            f" {len(self.waits.missing())} missing;"
            f" {(self.most_memory - self.calm_memory) / 1e6:.0f} MB more"
        )

    def close(self) -> None:
        self._stopped.set()
        if self._sending.is_alive():
            self._sending.join()
        self._backstage.run(self.client.close())

    def _send(self) -> None:
        due = time.monotonic()
        number = 0
        while not self._stopped.is_set():
            punch = live_punch(self.tenant_id, number)
            number += 1
            self.waits.sent[punch["punch_id"]] = time.monotonic()
            self.installation.submitter.send(Task("attendance.submit", {"punch": punch}))
            if number % 5 == 0:
                self.most_memory = max(self.most_memory, sum(self.installation.memory().values()))
            due += EVERY_SECONDS
            self._stopped.wait(max(0.0, due - time.monotonic()))

    def _hear(self, payload: Payload) -> None:
        if payload.get("type") == "anomaly_detected":
            self.waits.heard.setdefault(payload["punch_id"], time.monotonic())

    def _wait_for_the_last(self) -> None:
        deadline = time.monotonic() + LOST_SECONDS
        while time.monotonic() < deadline and (
            self.waits.missing() or self._last_position() < self.installation.head(self.tenant_id)
        ):
            time.sleep(0.05)

    def _last_position(self) -> int:
        return self.ledger.positions[-1] if self.ledger.positions else 0


def faults_of_messages(ledger: Ledger, tenant_id: int, head: int) -> Iterator[str]:
    """Yield a sentence for whatever the viewer heard or was told that it should not have been, and
    for what it was owed of a feed that ends at `head`.
    """
    events = [event for event, _ in ledger.entries]
    for event, times in (("connected", 1), ("snapshot", 1), ("resync", 0), ("token_expired", 0)):
        if events.count(event) != times:
            yield f"{event} {events.count(event)} times"
    first = next((content["position"] for event, content in ledger.entries if event == "snapshot"))
    owed = list(range(first + 1, head + 1))
    if ledger.positions != owed:
        yield f"{len(ledger.positions)} messages, of {len(owed)} owed, or not in their order"
    others = {
        content["tenant_id"]
        for event, content in ledger.entries
        if event not in NOT_OF_THE_FEED and event != "connected"
    } - {tenant_id}
    if others:
        yield f"heard of tenants {sorted(others)}"


def _milliseconds(waits: list[float]) -> str:
    if not waits:
        return "none"
    return f"median {median(waits) * 1000:.0f} ms, worst {max(waits) * 1000:.0f} ms"


@contextmanager
def healthy_viewer(
    installation: Installation, *, url: str = "", token: str = "", ours: int = 0
) -> Iterator[HealthyViewer]:
    """Measure a calm stretch; let the block abuse the installation; then see that the viewer has
    got every message of its tenant in time, and none of another's.

    The viewer is of a new tenant, unless `ours` names one and `token` lets it in at `url`.
    """
    ours = ours or installation.found()
    backstage = Backstage()
    viewer = HealthyViewer(
        installation,
        backstage,
        url or installation.server.url,
        token or installation.token(ours),
        ours,
    )
    try:
        viewer.be_calm()
        yield viewer
        viewer.check()
    except BaseException:
        viewer.close()
        print(viewer.report())
        installation.clear()  # what comes next is to begin as calmly
        raise
    else:
        print(viewer.report())
    finally:
        viewer.close()
        backstage.close()
