"""What statements make of a row, field by field, whichever of them is put to it first."""

from typing import Any

from models.intake.roster.kinds import Columns
from models.intake.roster.statement import Statement

_NEVER = -1
# Each key of these is a field of its own, which null clears.
_MERGED = ("policy",)

_Path = tuple[str, str | None]  # the field and, where it is merged, the key in it


class State:
    """What is said of a row by the statements that were put to it.

    Each has a rank, which says what lies over what.
    """

    def __init__(self) -> None:
        self._said: dict[_Path, tuple[int, Any]] = {}
        self._cleared: dict[str, int] = {}  # the rank of what cleared all of a merged field
        self._emptied = _NEVER

    def put(self, rank: int, statement: Statement) -> None:
        if statement.deleted:
            self._emptied = max(self._emptied, rank)
            return
        for name, value in statement.content.items():
            if name not in _MERGED:
                self._put((name, None), rank, value)
            elif value is None:
                self._cleared[name] = max(self._cleared.get(name, _NEVER), rank)
            else:
                for key, of_key in value.items():
                    self._put((name, key), rank, of_key)

    def _put(self, path: _Path, rank: int, value: Any) -> None:
        before = self._said.get(path)
        if before is None or before[0] < rank:
            self._said[path] = rank, value

    def columns(self) -> Columns:
        """Return the fields that have a value. A deletion empties the row of what it lies over."""
        columns: Columns = {}
        for (name, key), (rank, value) in self._said.items():
            if value is None or rank < max(self._emptied, self._cleared.get(name, _NEVER)):
                continue
            if key is None:
                columns[name] = value
            else:
                columns.setdefault(name, {})[key] = value
        return columns
