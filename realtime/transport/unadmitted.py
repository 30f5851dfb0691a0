"""Sessions of clients that are not admitted yet: an address may have so many at a time."""

from typing import Protocol

from realtime import metrics


class Session(Protocol):
    """A session as it is counted: by the client's address."""

    address: str

    def hang_up(self) -> None:
        """End it now."""
        ...


class Unadmitted:
    """These sessions, by address. Beyond `most` of one address the oldest makes room.

    By polling, one connection can begin any number.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_address: dict[str, dict[Session, None]] = {}  # oldest first

    def add(self, session: Session) -> None:
        beside = self._by_address.setdefault(session.address, {})
        if len(beside) >= self._most:
            oldest = next(iter(beside))
            del beside[oldest]
            metrics.dropped.labels("made_room").inc()
            oldest.hang_up()
        beside[session] = None

    def remove(self, session: Session) -> None:
        """Count it no longer: it is admitted, or over."""
        if beside := self._by_address.get(session.address):
            beside.pop(session, None)
            if not beside:
                del self._by_address[session.address]
