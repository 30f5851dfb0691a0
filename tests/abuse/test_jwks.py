"""Published keys: an issuer that is away or slow, and strangers' tokens, lock nobody out."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.abuse.healthy import MOST_TIMES, HealthyViewer, healthy_viewer
from tests.abuse.installation import Installation
from tests.abuse.issuer import NAME, Issuer, on_issuer
from tests.abuse.size import SIZE
from tests.chaos.ledger import Payload
from tests.end_to_end.harness import WebServer

STRANGERS = 60
MOVES = 10
SOON = 10  # punches, in a second
_ALERTS = """
SELECT alert_id::text FROM alert WHERE tenant_id = %(id)s ORDER BY alert_id LIMIT 1
"""


class Door(NamedTuple):
    """A server that trusts an issuer. Once the file `later` is there, its clock has jumped ahead,
    and the keys that it has fetched are old.
    """

    installation: Installation
    issuer: Issuer
    server: WebServer
    later: Path

    def log_in(self, token: str) -> int:
        """Return the status of a request with the token."""
        return self.installation.ask("/api/v1/alerts", token, server=self.server.url).status


@pytest.fixture
def door(installation: Installation, tmp_path: Path) -> Iterator[Door]:
    with on_issuer() as (issuer, url):
        server = installation.stage.web(
            module=f"tests.abuse.later {tmp_path / 'later'}",
            JWT_SECRET="",
            JWT_JWKS_URL=url,
            JWT_ISSUER=NAME,
        )
        try:
            yield Door(installation, issuer, server, tmp_path / "later")
        finally:
            server.stop()


@contextmanager
def _strangers(door: Door, tenant_id: int) -> Iterator[list[int]]:
    """Let strangers come with tokens of unknown keys, all at once, while the block runs; yield the
    statuses that they are answered.
    """
    statuses: list[int] = []

    def come(number: int) -> None:
        try:
            statuses.append(door.log_in(door.issuer.token(tenant_id, "viewer", f"key {number}")))
        except OSError:  # not answered within half a minute
            statuses.append(0)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(STRANGERS)]
    for thread in threads:
        thread.start()
    yield statuses
    for thread in threads:
        thread.join()


def test_an_issuer_that_is_away_locks_out_nobody_whose_key_is_known(door: Door) -> None:
    installation, issuer = door.installation, door.issuer
    ours = installation.found()
    operator = issuer.token(ours, "operator")
    with healthy_viewer(installation, url=door.server.url, token=operator, ours=ours) as viewer:
        assert door.log_in(operator) == 200
        issuer.mood = "away"
        door.later.touch()
        viewer.go_on(SOON)
        with _strangers(door, ours) as statuses:
            viewer.go_on()
        known = {door.log_in(operator) for _ in range(MOVES)}
    assert known == {200}, "a key that is known is forgotten in an outage"
    assert set(statuses) <= {401, 503}, statuses


def test_an_issuer_that_drips_and_strangers_make_no_move_of_an_operator_late(door: Door) -> None:
    installation, issuer = door.installation, door.issuer
    ours = installation.found()
    operator = issuer.token(ours, "operator")
    with healthy_viewer(installation, url=door.server.url, token=operator, ours=ours) as viewer:
        alert_id = installation.one(_ALERTS, id=ours)
        calm = [_move(viewer, alert_id) for _ in range(MOVES)]
        issuer.mood = "dripping"
        door.later.touch()
        viewer.go_on(SOON)
        with _strangers(door, ours) as statuses:
            viewer.go_on(SOON)  # by now they have all come
            moves = [_move(viewer, alert_id) for _ in range(MOVES)]
            viewer.go_on()
            issuer.mood = "well"
    allowed = MOST_TIMES * max(SIZE.calm_seconds, *calm)
    assert max(moves) <= allowed, f"{max(moves):.2f} s, {max(calm):.2f} s when all was calm"
    assert set(statuses) <= {0, 401, 503}, statuses


def _move(viewer: HealthyViewer, alert_id: str) -> float:
    """Add a note to an alert; return how many seconds the answer took."""
    began = time.monotonic()
    answer: Payload = viewer.ask("alert_note", {"alert_id": alert_id, "note": "seen"}, 30)
    assert answer["ok"], answer
    return time.monotonic() - began
