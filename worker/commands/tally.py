"""Count what stands now and what would stand, per type and site, with the precision by reviews."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.ids import Id, spelled

_COLUMNS = ("now", "newly", "gone", "unchanged", "regraded")


@dataclass
class Reviews:
    """How many of the anomalies that stand were reviewed as what."""

    confirmed: int = 0
    false_positive: int = 0

    @property
    def precision(self) -> float | None:
        reviewed = self.confirmed + self.false_positive
        return round(self.confirmed / reviewed, 4) if reviewed else None

    def add(self, review: str | None) -> None:
        self.confirmed += review == "CONFIRMED"
        self.false_positive += review == "FALSE_POSITIVE"

    def as_json(self) -> dict[str, Any]:
        return {
            "confirmed": self.confirmed,
            "false_positive": self.false_positive,
            "precision": self.precision,
        }


@dataclass
class Tally:
    """The anomalies of one type at one site, or all of them.

    `regraded` stand in both, with another severity; `now` sums up gone, unchanged and regraded.
    """

    now: int = 0
    newly: int = 0
    gone: int = 0
    unchanged: int = 0
    regraded: int = 0
    reviews_now: Reviews = field(default_factory=Reviews)
    reviews_then: Reviews = field(default_factory=Reviews)

    def add(self, before: str | None, after: str | None, review: str | None) -> None:
        """Count one anomaly: its severity as it stands now and as it would, None where it does not
        stand, and its review.
        """
        self.now += before is not None
        self.newly += before is None and after is not None
        self.gone += before is not None and after is None
        self.unchanged += before is not None and before == after
        self.regraded += before is not None and after is not None and before != after
        if before is not None:
            self.reviews_now.add(review)
        if after is not None:
            self.reviews_then.add(review)

    def as_json(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in _COLUMNS}
        return counts | {
            "reviews_now": self.reviews_now.as_json(),
            "reviews_then": self.reviews_then.as_json(),
        }


def table(tallies: Mapping[tuple[str, Id], Tally], total: Tally, names: Mapping[Id, str]) -> str:
    """Return a table for people: one line a type and site, and the sum."""
    head = ["type", "site", *_COLUMNS, "precision now", "precision then"]
    lines = [
        [anomaly_type, f"{names[site_id]} ({spelled(site_id)})", *_cells(tally)]
        for (anomaly_type, site_id), tally in sorted(tallies.items())
    ]
    rows = [head, *lines, ["all", "", *_cells(total)]]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: list[str], widths: list[int]) -> str:
    """Align text to the left, numbers to the right."""
    cells = [
        cell.ljust(width) if column < 2 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _cells(tally: Tally) -> list[str]:
    return [f"{getattr(tally, name):,}" for name in _COLUMNS] + [
        _precision(tally.reviews_now),
        _precision(tally.reviews_then),
    ]


def _precision(reviews: Reviews) -> str:
    if reviews.precision is None:
        return "no reviews"
    return f"{reviews.precision:.0%} of {reviews.confirmed + reviews.false_positive:,}"
