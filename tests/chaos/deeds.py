"""Keeps what operators tried to do, each move and review with what became of it, and checks it
against the trails when all is over.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import psycopg

MOVES = """
SELECT alert_id::text, actor, move, note, count(*)
FROM alert_trail WHERE tenant_id = %s
GROUP BY 1, 2, 3, 4
"""
REVIEWS = """
SELECT anomaly_id::text, actor, 'review', note, count(*)
FROM review_trail WHERE tenant_id = %s
GROUP BY 1, 2, 3, 4
"""

# The id of the alert or anomaly, the operator, the move, and the note that is nobody else's.
TrailLine = tuple[str, str, str, str]


@dataclass
class Deed:
    """One thing that an operator tried to do. `open_ends` counts the tries that had no answer, or
    one that leaves it open whether it was done.
    """

    line: TrailLine
    done: bool = False
    refused: str = ""
    open_ends: int = 0

    def may_stand(self, times: int) -> bool:
        """Whether the trail may have it so many times.

        A move names the version it is meant for, so it stands once at most. A review does not: what
        a paused server gets to after its reviewer went on is a review of its own.
        """
        most = (
            int(self.done or self.open_ends > 0)
            if self.line[2] != "review"
            else self.done + self.open_ends
        )
        return self.done <= times <= most


@dataclass
class Book:
    """The deeds of one tenant's operators."""

    deeds: list[Deed] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, line: TrailLine) -> Deed:
        deed = Deed(line)
        self.deeds.append(deed)
        return deed

    @property
    def done(self) -> int:
        return sum(deed.done for deed in self.deeds)


def faults_of_deeds(connection: psycopg.Connection, tenant_id: int, book: Book) -> Iterator[str]:
    """A sentence for each deed that was said to be done and is not, was refused and is done, stands
    twice, or stands without anybody having done it.
    """
    yield from book.complaints
    stands: Counter[TrailLine] = Counter()
    for sql in (MOVES, REVIEWS):
        stands.update(
            {
                (row[0], row[1], row[2], row[3]): row[4]
                for row in connection.execute(sql, [tenant_id])
                if row[1] != "system"
            }
        )
    yield from (
        f"tenant {tenant_id}: stands {stands[deed.line]} times in the trail: {deed}"
        for deed in book.deeds
        if not deed.may_stand(stands[deed.line])
    )
    if unknown := stands.keys() - _lines(book.deeds):
        yield f"tenant {tenant_id}: in the trails, and done by nobody: {sorted(unknown)[:3]}"


def _lines(deeds: Iterable[Deed]) -> set[TrailLine]:
    return {deed.line for deed in deeds}
