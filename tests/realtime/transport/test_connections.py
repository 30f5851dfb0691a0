"""Which connections there may be, and which make room."""

from typing import Any, cast

import pytest

from realtime.transport import connections
from realtime.transport.addresses import Proxies
from realtime.transport.connections import CROWD, HEAD_SECONDS, Connection, Connections

pytestmark = pytest.mark.unit

HERE, THERE, PROXY = "192.0.2.1", "192.0.2.2", "10.0.0.5"


class Transport:
    """A transport that notes that it was cut off."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.is_cut_off = False

    def get_extra_info(self, _: str) -> tuple[str, int]:
        return self.address, 1

    def abort(self) -> None:
        self.is_cut_off = True


class Clock:
    """The clock that connections are silent by."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(connections, "time", clock)
    return clock


def open_one(all_of_them: Connections, address: str = HERE) -> Connection:
    connection = all_of_them.open(cast(Any, Transport(address)))
    assert connection is not None
    return connection


def is_cut_off(connection: Connection) -> bool:
    return cast(Transport, connection.transport).is_cut_off


def some(most: int = 100, most_strangers: int = 3) -> Connections:
    return Connections(most, most_strangers, Proxies([PROXY]))


def test_the_stranger_that_is_silent_longest_makes_room(clock: Clock) -> None:
    several = some()
    first, second, third = (open_one(several) for _ in range(3))
    clock.now += 5
    first.heard()
    clock.now += 5
    open_one(several)
    assert [is_cut_off(connection) for connection in (first, second, third)] == [False, True, False]


def test_others_at_other_addresses_make_no_room(clock: Clock) -> None:
    several = some()
    elsewhere = open_one(several, THERE)
    clock.now += 5
    mine = [open_one(several) for _ in range(3)]
    clock.now += 5
    open_one(several)
    assert not is_cut_off(elsewhere)
    assert is_cut_off(mine[0])


def test_whoever_is_known_makes_room_for_nobody(clock: Clock) -> None:
    several = some()
    known = open_one(several)
    known.know()
    clock.now += 5
    strangers = [open_one(several) for _ in range(3)]
    clock.now += 5
    open_one(several)
    assert (is_cut_off(known), is_cut_off(strangers[0])) == (False, True)


def test_nobody_that_is_sending_makes_room(clock: Clock) -> None:
    several = some()
    crowd = [open_one(several) for _ in range(CROWD * 3)]
    assert not any(map(is_cut_off, crowd))
    assert several.open(cast(Any, late := Transport(HERE))) is None
    assert late.is_cut_off
    open_one(several, THERE)  # has room of its own
    clock.now += 5
    crowd[0].heard()
    open_one(several)
    assert [is_cut_off(connection) for connection in crowd[:2]] == [False, True]


def test_in_all_there_are_so_many(clock: Clock) -> None:
    several = some(most=4)
    mine = [open_one(several, f"192.0.2.{number}") for number in range(4)]
    assert several.open(cast(Any, late := Transport(THERE))) is None
    assert late.is_cut_off
    clock.now += 5
    mine[0].know()
    open_one(several)
    assert [is_cut_off(connection) for connection in mine] == [False, True, False, False]
    for connection in mine[2:]:
        connection.know()
    clock.now += 0.5
    assert several.open(cast(Any, Transport(THERE))) is None
    mine[0].close()
    open_one(several, THERE)


def test_a_head_that_is_not_complete_in_time_ends_its_connection(clock: Clock) -> None:
    several = some()
    slow, quick, again = (open_one(several) for _ in range(3))
    quick.head_ended()
    again.head_ended()
    clock.now += HEAD_SECONDS - 1
    slow.heard()
    again.head_began()
    several.cut_off_slow_heads()
    assert not is_cut_off(slow)
    clock.now += 2
    again.head_began()  # more of the same head
    several.cut_off_slow_heads()
    assert [is_cut_off(connection) for connection in (slow, quick, again)] == [True, False, False]
    clock.now += HEAD_SECONDS - 2
    several.cut_off_slow_heads()
    assert is_cut_off(again)


def test_behind_a_proxy_each_request_is_its_own_clients(clock: Clock) -> None:
    several = some(most_strangers=1)
    shared = [open_one(several, PROXY) for _ in range(20)]  # nobody's yet
    assert not any(map(is_cut_off, shared))
    shared[0].serve(HERE)
    shared[0].know()
    shared[1].serve(HERE)
    clock.now += 5
    shared[0].serve(THERE)
    clock.now += 5
    open_one(several, THERE)
    assert [is_cut_off(connection) for connection in shared[:2]] == [True, False]


def test_what_is_gone_is_forgotten(clock: Clock) -> None:
    several = some(most=2, most_strangers=1)
    for number in range(50):
        connection = open_one(several, f"192.0.{number}.1")
        connection.heard()
        connection.head_began()
        connection.close()
        connection.close()
    assert not (several.heads or several._open or several._strangers or several._by_address)
