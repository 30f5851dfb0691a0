"""Keeps what one viewer heard, entry by entry, and counts it against what the feed owed it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Payload = dict[str, Any]
NOT_OF_THE_FEED = {"snapshot", "resync", "token_expired"}


class Tally(NamedTuple):
    """Counts of messages, and, in `not_recovered`, of connections. All after the first two must be
    zero; `not_owed` were for others, and `altered` had other contents than the feed.
    """

    owed: int = 0
    received: int = 0
    missing: int = 0
    repeated: int = 0
    out_of_order: int = 0
    not_recovered: int = 0
    not_owed: int = 0
    altered: int = 0

    def __add__(self, other: object) -> "Tally":
        assert isinstance(other, Tally)
        return Tally(*map(sum, zip(self, other, strict=True)))

    @property
    def is_clean(self) -> bool:
        return not any(self[2:])


@dataclass
class Ledger:
    """The record of what a viewer heard, filled from one thread and read after the round."""

    positions: list[int] = field(default_factory=list)
    entries: list[tuple[str, Any]] = field(default_factory=list)
    trouble: list[Any] = field(default_factory=list)  # connections lost and refused
    ready: bool = False

    def connected(self, recovered: bool | None) -> None:
        """Note a connection. `recovered` is None for clients that cannot tell."""
        self.entries.append(("connected", recovered))

    def heard(self, event: str, payload: Payload) -> None:
        self.entries.append((event, payload))
        if event not in NOT_OF_THE_FEED:
            self.positions.append(payload["position"])

    def reasons(self) -> set[str]:
        return {payload["reason"] for event, payload in self.entries if event == "resync"}

    def tally(self, owed: Mapping[int, Payload], excused: frozenset[str] = frozenset()) -> Tally:
        """Count what was heard against what was owed: the payloads that the viewer's scope and
        filter let through, by position, from the first message of the feed on.

        A snapshot moves the viewer to its position: what it skips is missing, unless a resync with
        an excused reason came before.
        """
        at: int | None = None
        received: set[int] = set()
        skipped: set[int] = set()
        counted = dict.fromkeys(Tally._fields, 0)
        excuse = not_recovered = False
        for event, content in self.entries:
            if event == "connected":
                counted["not_recovered"] += content is False and at is not None and not excuse
            elif event == "resync":
                excuse = content["reason"] in excused
                not_recovered = not excuse
            elif event == "snapshot":
                if at is None or excuse:
                    skipped |= {
                        position for position in owed if (at or 0) < position <= content["position"]
                    }
                counted["not_recovered"] += at is not None and not excuse and not_recovered
                at, excuse, not_recovered = content["position"], False, False
            elif event not in NOT_OF_THE_FEED:
                position = content["position"]
                counted["repeated"] += position in received
                counted["out_of_order"] += position not in received and position <= (at or 0)
                counted["not_owed"] += position not in owed
                counted["altered"] += position in owed and owed[position] != content
                received.add(position)
                at = max(at or 0, position)
        due = owed.keys() - (skipped - received)
        counted |= {
            "owed": len(due),
            "received": len(received & due),
            "missing": len(due - received),
        }
        return Tally(**counted)
