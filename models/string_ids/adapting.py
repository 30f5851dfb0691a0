"""What our connections do with ids: they are written as numbers, and read as what they are.

A result may name ids that this process does not know. Its rows are loaded, and so made, only once
all of them are known: they are looked up by one statement on the same connection, and the rows are
loaded again. That finds every one of them (models.string_ids), and no row shows a number.
"""

import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import AsyncCursor, Cursor, adapters
from psycopg.adapt import AdaptersMap, Buffer, Dumper, Loader, PyFormat
from psycopg.pq import Format
from psycopg.types.array import ListBinaryDumper, ListDumper

from models.ids import NUMBERS_END, StringId, number_of
from models.string_ids.directory import COLUMNS, DIRECTORY, Stored

_LOOK_UP = f"SELECT {COLUMNS} FROM string_id WHERE number = ANY(%s::bigint[])"


class Unknown(Exception):
    """A result names a string id that this process does not know yet."""


class _Collecting(threading.local):
    """The numbers that were met so far, while they are collected; else None."""

    numbers: set[int] | None = None


_collecting = _Collecting()


@contextmanager
def _collected() -> Iterator[set[int]]:
    numbers: set[int] = set()
    _collecting.numbers = numbers
    try:
        yield numbers
    finally:
        _collecting.numbers = None


def _read(number: int) -> Any:
    known = DIRECTORY.by_number(number)
    if known is None:
        if _collecting.numbers is None:
            raise Unknown
        _collecting.numbers.add(number)
    return known


class _TextLoader(Loader):
    def load(self, data: Buffer) -> Any:
        number = int(data)
        return number if number >= NUMBERS_END else _read(number)


_unpack = struct.Struct("!q").unpack


class _BinaryLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> Any:
        number: int = _unpack(data)[0]
        return number if number >= NUMBERS_END else _read(number)


class _IdDumper(Dumper):
    oid = adapters.types["int8"].oid

    def dump(self, obj: StringId) -> bytes:
        return b"%d" % number_of(obj)


def _plain(listed: list[Any]) -> list[Any]:
    """Return a list with numbers in place of string ids, as psycopg takes one type in a list."""
    if StringId not in set(map(type, listed)):
        return listed
    return [number_of(item) if type(item) is StringId else item for item in listed]


class _ListDumper(ListDumper):
    def get_key(self, obj: list[Any], format: PyFormat) -> Any:  # noqa: A002 - as it is called
        return super().get_key(_plain(obj), format)

    def upgrade(self, obj: list[Any], format: PyFormat) -> Any:  # noqa: A002 - as it is called
        return super().upgrade(_plain(obj), format)

    def dump(self, obj: list[Any]) -> Buffer | None:
        return super().dump(_plain(obj))


class _ListBinaryDumper(ListBinaryDumper):
    def get_key(self, obj: list[Any], format: PyFormat) -> Any:  # noqa: A002 - as it is called
        return super().get_key(_plain(obj), format)

    def upgrade(self, obj: list[Any], format: PyFormat) -> Any:  # noqa: A002 - as it is called
        return super().upgrade(_plain(obj), format)

    def dump(self, obj: list[Any]) -> Buffer | None:
        return super().dump(_plain(obj))


def _adapters() -> AdaptersMap:
    ours = AdaptersMap(adapters)
    ours.register_loader("int8", _TextLoader)
    ours.register_loader("int8", _BinaryLoader)
    ours.register_dumper(StringId, _IdDumper)
    ours.register_dumper(list, _ListDumper)
    ours.register_dumper(list, _ListBinaryDumper)
    return ours


class IdCursor(Cursor[Any]):
    """A cursor whose rows hold ids."""

    def fetchone(self) -> Any:
        while True:
            try:
                return super().fetchone()
            except Unknown:
                self._look_up()

    def fetchmany(self, size: int = 0) -> list[Any]:
        while True:
            try:
                return super().fetchmany(size)
            except Unknown:
                self._look_up()

    def fetchall(self) -> list[Any]:
        while True:
            try:
                return super().fetchall()
            except Unknown:
                self._look_up()

    def __next__(self) -> Any:
        while True:
            try:
                return super().__next__()
            except Unknown:
                self._look_up()

    def _look_up(self) -> None:
        numbers = _unknown_in(self)
        with Cursor(self.connection) as cursor:
            _learn(numbers, cursor.execute(_LOOK_UP, [numbers]).fetchall())


class AsyncIdCursor(AsyncCursor[Any]):
    """The same on an event loop, which goes on while ids are looked up."""

    async def fetchone(self) -> Any:
        while True:
            try:
                return await super().fetchone()
            except Unknown:
                await self._look_up()

    async def fetchmany(self, size: int = 0) -> list[Any]:
        while True:
            try:
                return await super().fetchmany(size)
            except Unknown:
                await self._look_up()

    async def fetchall(self) -> list[Any]:
        while True:
            try:
                return await super().fetchall()
            except Unknown:
                await self._look_up()

    async def __anext__(self) -> Any:
        while True:
            try:
                return await super().__anext__()
            except Unknown:
                await self._look_up()

    async def _look_up(self) -> None:
        numbers = _unknown_in(self)
        async with AsyncCursor(self.connection) as cursor:
            await cursor.execute(_LOOK_UP, [numbers])
            _learn(numbers, await cursor.fetchall())


def _unknown_in(cursor: Any) -> list[int]:
    """Return the unknown numbers of all the rows that the cursor has yet to hand on."""
    with _collected() as numbers:
        cursor._tx.load_rows(cursor._pos, cursor.pgresult.ntuples, tuple)
    return sorted(numbers)


def _learn(numbers: list[int], rows: list[Any]) -> None:
    if len(rows) < len(numbers):
        raise LookupError("a row names a string id that is not stored")
    DIRECTORY.learn(map(Stored.read, rows))


_ADAPTERS = _adapters()
# What to connect with, besides where to.
CONNECTING: dict[str, Any] = {"context": _ADAPTERS, "cursor_factory": IdCursor}
CONNECTING_ASYNC: dict[str, Any] = {"context": _ADAPTERS, "cursor_factory": AsyncIdCursor}
