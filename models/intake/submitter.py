"""Who hands something in: kept beside it for the record, and never part of what is compared."""

from typing import Any, NamedTuple, Self

import orjson

MOST_CHARACTERS = 200


class OutsideSites(Exception):
    """What was handed in is, or was, at a site that its submitter may not write to. Nothing of it
    was stored.
    """


class Submitter(NamedTuple):
    """The door: a task, a request or a command; who came by it: a token's `sub`, or what a task's
    producer says of itself.

    `sites` are those it may write to, None for all of them.
    """

    door: str
    name: str | None = None
    sites: frozenset[int] | None = None

    def covers(self, site_id: int | None) -> bool:
        return self.sites is None or site_id in self.sites

    def as_text(self) -> str:
        """JSON for the columns `submitted_by` and `voided_by`: `{"door": "POST /api/v1/punches",
        "name": "kiosk-3"}`.
        """
        kept = {"door": _bounded(self.door)} | ({"name": _bounded(self.name)} if self.name else {})
        return orjson.dumps(kept).decode()

    @classmethod
    def kept(
        cls, door: str, submitted_by: dict[str, Any] | None, sites: frozenset[int] | None = None
    ) -> Self:
        """Whom the column names; by `door`, where nobody was noted yet."""
        noted = submitted_by or {"door": door}
        return cls(noted["door"], noted.get("name"), sites)


def _bounded(text: str) -> str:
    """A producer's and an issuer's own words may be long, and hold what Postgres refuses."""
    return (text if text.isprintable() else ascii(text)[1:-1])[:MOST_CHARACTERS]
