"""What this process knows of string ids: each is the same for ever, so nothing here grows wrong.

Only a database that was restored from a backup may lack some. All of its connections are new ones
then, and with each new one all is forgotten (models.database).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from models.ids import StringId

# Ids kept at least, of which each costs a few hundred bytes.
KEPT = 50_000

# So many times as many where all of them are asked for again and again.
_MOST = 4

# The tenant of a tenant's own id.
INSTALLATION = 0


class Stored(NamedTuple):
    """A row of the table. `tenant` is the number of the tenant that it is an id of, else 0."""

    tenant: int
    number: int
    text: str

    @classmethod
    def read(cls, row: Sequence[str]) -> Self:
        """Return a row of COLUMNS."""
        tenant, number, text = row
        return cls(int(tenant), int(number), text)


# As text: read as the ids that they are, they would have to be known already.
COLUMNS = "string_id.tenant_id::text, string_id.number::text, string_id.text"


class Directory:
    """The string ids that were met last, by number and by text.

    Where there are enough of the young ones, they become the old ones, and the old ones go. An old
    one that is asked for is young again. Nothing goes but when something is learnt: so all that one
    result names is known after it was looked up, or after that was done twice.
    """

    _young: dict[int, StringId]
    _old: dict[int, StringId]
    _young_texts: dict[tuple[int, str], StringId]
    _old_texts: dict[tuple[int, str], StringId]

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self.forget()

    def by_number(self, number: int) -> StringId | None:
        found = self._young.get(number)
        if found is None and (found := self._old.get(number)) is not None:
            self._young[number] = found
        return found

    def by_text(self, tenant: int, text: str) -> StringId | None:
        key = tenant, text
        found = self._young_texts.get(key)
        if found is None and (found := self._old_texts.get(key)) is not None:
            self._young_texts[key] = found
        return found

    def forget(self) -> None:
        """Know nothing any more."""
        self._young, self._old = {}, {}
        self._young_texts, self._old_texts = {}, {}

    def learn(self, rows: Iterable[Stored]) -> None:
        """Know these ids, which are committed."""
        count = max(len(self._young), len(self._young_texts))
        if count >= self._kept:
            stay = count <= _MOST * self._kept
            self._old, self._young = self._young if stay else {}, {}
            self._old_texts, self._young_texts = self._young_texts if stay else {}, {}
        for tenant, number, text in rows:
            known = StringId(text, number)
            self._young[number] = known
            self._young_texts[tenant, str(text)] = known


DIRECTORY = Directory()
