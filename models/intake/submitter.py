"""Submitters: they are kept beside what they submit, for the record, and no part of the content."""

from typing import Any, NamedTuple, Self

import orjson

from models.ids import Id

MOST_CHARACTERS = 200


class OutsideSites(Exception):
    """What was submitted is, or was, at a site that its submitter may not write to.

    Nothing of it was stored.
    """


class Submitter(NamedTuple):
    """Whoever submits something.

    `door` is the task, request or command by which it came. `name` is the token's `sub`, or what
    the task's producer says of itself. `sites` are those it may write to, None for all of them.
    """

    door: str
    name: str | None = None
    sites: frozenset[Id] | None = None

    def covers(self, site_id: Id | None) -> bool:
        return self.sites is None or site_id in self.sites

    def as_text(self) -> str:
        """Return the JSON of columns such as `submitted_by`.

        For example `{"door": "POST /api/v1/punches", "name": "kiosk-3"}`.
        """
        fields = {"door": _bounded(self.door)}
        if self.name:
            fields["name"] = _bounded(self.name)
        return orjson.dumps(fields).decode()

    @classmethod
    def kept(
        cls, door: str, submitted_by: dict[str, Any] | None, sites: frozenset[Id] | None = None
    ) -> Self:
        """Return whom the column names; `door` stands in where it is null."""
        fields = submitted_by or {"door": door}
        return cls(fields["door"], fields.get("name"), sites)


def _bounded(text: str) -> str:
    """Escape and cut what producers and issuers say: it may be long, or what Postgres refuses."""
    return (text if text.isprintable() else ascii(text)[1:-1])[:MOST_CHARACTERS]
