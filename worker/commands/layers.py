"""What each statement of a row changes of it at a moment, and what has become of that by then.

It is pure. The order is that in which versions of rows are laid.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from models.intake.roster.kinds import Kind
from models.intake.roster.laying import Held
from models.intake.roster.statement import Statement

COUNTS, LAID_OVER, REMOVED, NOT_YET = "counts", "laid over", "removed", "does not hold yet"


class Layer(NamedTuple):
    """A statement, and by its name what became of each field that it changes.

    Of a policy each key is a field of its own. What a statement only repeats is not among them.
    `removal` tells the same of a statement that takes the row away, and is '' of all others.
    """

    held: Held
    fields: dict[str, str]
    removal: str = ""


class Layers:
    """The statements of a row at a moment, in the order in which they are laid over each other."""

    def __init__(self, kind: Kind, in_order: Sequence[Held], at: datetime) -> None:
        self._throughout = kind.throughout
        self._said: dict[str, Any] = {}  # None where a field was cleared
        self._by: dict[str, tuple[int, str]] = {}  # whose layer says a field, and as what it does
        self.all = [Layer(held, {}) for held in in_order]
        for place, held in enumerate(in_order):
            if held.holds_from <= at:
                self._lay(place, held.statement)
        is_said = bool(self._values())
        self._lay_throughout()
        lacks = kind.required.keys() - self._values().keys() if is_said else ()
        self.missing = sorted(lacks)  # what the row is not there for want of
        self._note_plans(at)

    def _values(self) -> dict[str, Any]:
        return {name: value for name, value in self._said.items() if value is not None}

    def _lay(self, place: int, statement: Statement) -> None:
        if statement.deleted:
            self._remove(place)
        for name, value in self._changes(statement, self._said):
            self._bring(place, name, value)

    def _remove(self, place: int) -> None:
        """Note the removal of the row, unless it was not there any more."""
        if self._values() or place == 0:
            self.all[place] = self.all[place]._replace(removal="removed what was said before")
        for before, label in self._by.values():
            self.all[before].fields[label] = REMOVED
        self._said, self._by = {}, {}

    def _bring(self, place: int, name: str, value: Any) -> None:
        if name in self._by:
            before, label = self._by[name]
            self.all[before].fields[label] = LAID_OVER
        self._said[name] = value
        self._by[name] = place, _label(name, value)
        self.all[place].fields[_label(name, value)] = COUNTS

    def _lay_throughout(self) -> None:
        """Lay the fields that have no past, in the order of saying, whenever they hold."""
        said = sorted(
            (layer.held.statement.said_at, layer.held.statement.canonical(), place)
            for place, layer in enumerate(self.all)
        )
        for *_, place in said:
            content = self.all[place].held.statement.content
            for name in self._throughout:
                if name in content and self._said.get(name) != content[name]:
                    self._bring(place, name, content[name])

    def _note_plans(self, at: datetime) -> None:
        """Note what will be otherwise, a plan that is sent each night anew only once."""
        planned = dict(self._said)
        for place, (held, fields, _) in enumerate(self.all):
            if held.holds_from <= at:
                continue
            if held.statement.deleted and any(value is not None for value in planned.values()):
                self.all[place] = Layer(held, fields, NOT_YET)
                planned = {}
            changes = self._changes(held.statement, planned)
            fields |= {_label(name, value): NOT_YET for name, value in changes}
            planned |= dict(changes)

    def _changes(self, statement: Statement, said: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """Return the fields of which a statement says something else, None to clear one."""
        return [
            (name, value)
            for name, value in self._fields_of(statement, said)
            if said.get(name) != value
        ]

    def _fields_of(
        self, statement: Statement, before: Mapping[str, Any]
    ) -> Iterator[tuple[str, Any]]:
        for name, value in statement.content.items():
            if name == "policy" and value is None:
                yield from ((said, None) for said in before if said.startswith("policy."))
            elif name == "policy":
                yield from ((f"policy.{key}", own) for key, own in value.items())
            elif name not in self._throughout:
                yield name, value


def _label(name: str, value: Any) -> str:
    return f"{name} cleared" if value is None else name
