"""Which connections there may be, and which make room."""

from typing import Any, cast

import pytest

from realtime.transport import connections
from realtime.transport.addresses import Proxies
from realtime.transport.connections import (
    CROWD,
    HEAD_SECONDS,
    KNOWN_FOR_VIEWER,
    STRANGER_SECONDS,
    Connection,
    Connections,
)

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
    return Connections(most, most_strangers, 2, Proxies([PROXY]))


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
    known.know("alice")
    clock.now += 5
    strangers = [open_one(several) for _ in range(3)]
    clock.now += 5
    open_one(several)
    assert (is_cut_off(known), is_cut_off(strangers[0])) == (False, True)


def test_nobody_that_is_sending_makes_room_before_it_had_time_to_show_a_token(clock: Clock) -> None:
    several = some()
    crowd = [open_one(several) for _ in range(CROWD * 3)]
    assert not any(map(is_cut_off, crowd))
    assert several.open(cast(Any, late := Transport(HERE))) is None
    assert late.is_cut_off
    open_one(several, THERE)  # has room of its own
    clock.now += 5
    crowd[0].heard()
    last = open_one(several)
    assert [is_cut_off(connection) for connection in crowd[:2]] == [False, True]
    clock.now += STRANGER_SECONDS
    for connection in (*crowd, last):
        connection.heard()
    open_one(several)
    assert is_cut_off(crowd[0])


def test_nobody_makes_room_for_whom_something_is_done(clock: Clock) -> None:
    """One that waits to be let in is silent only because we are slow."""
    several = some()
    waiting, idle, _ = (open_one(several) for _ in range(3))
    waiting.is_busy = lambda: True
    clock.now += 5
    open_one(several)
    assert (is_cut_off(waiting), is_cut_off(idle)) == (False, True)


def test_of_a_user_so_many_are_known(clock: Clock) -> None:
    several = some(most_strangers=1)
    most = KNOWN_FOR_VIEWER * 2
    mine = [open_one(several) for _ in range(most)]
    for connection in mine:
        connection.know("eve")
    clock.now += 5
    further = open_one(several)
    further.know("eve")
    clock.now += 5
    assert not any(map(is_cut_off, mine))
    open_one(several).know("alice")
    assert is_cut_off(further)
    mine[0].close()
    another = open_one(several)
    another.know("eve")
    clock.now += 5
    open_one(several)
    assert not is_cut_off(another)


def test_in_all_there_are_so_many(clock: Clock) -> None:
    several = some(most=4)
    mine = [open_one(several, f"192.0.2.{number}") for number in range(4)]
    assert several.open(cast(Any, late := Transport(THERE))) is None
    assert late.is_cut_off
    clock.now += 5
    mine[0].know("alice")
    open_one(several)
    assert [is_cut_off(connection) for connection in mine] == [False, True, False, False]
    for connection in mine[2:]:
        connection.know("bob")
    clock.now += 0.5
    assert several.open(cast(Any, Transport(THERE))) is None
    mine[0].close()
    open_one(several, THERE)


def test_in_all_the_oldest_stranger_goes_where_all_keep_sending(clock: Clock) -> None:
    several = some(most=2)
    first, second = open_one(several), open_one(several, THERE)
    clock.now += STRANGER_SECONDS
    for connection in (second, first):
        connection.heard()
    open_one(several, "192.0.2.3")
    assert (is_cut_off(first), is_cut_off(second)) == (True, False)


def test_a_head_that_is_not_complete_in_time_ends_its_connection(clock: Clock) -> None:
    several = some()
    slow, quick, again = (open_one(several) for _ in range(3))
    for connection in (slow, quick, again):
        connection.head_began()
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
    shared[0].know("alice")
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
        if number % 2:
            connection.know("alice")
        connection.close()
        connection.close()
    leftovers = (several.heads, several._open, several._strangers, several._oldest, several._known)
    assert not any((*leftovers, several._by_address))


def test_one_that_was_cut_off_is_counted_no_more_whatever_comes_by_it(clock: Clock) -> None:
    """A request of it may still be read."""
    several = some(most_strangers=1)
    gone = open_one(several, PROXY)
    gone.serve(HERE)
    clock.now += 5
    open_one(several)
    assert is_cut_off(gone)
    gone.serve(THERE)
    gone.heard()
    gone.know("alice")
    gone.close()
    assert len(several._strangers) == len(several._open) == 1
    assert not several._known
