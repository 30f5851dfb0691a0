"""The figures of a run: what was measured, on whom, in which case, round by round."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from dev.bench.measure import median

Kind = Literal["ours", "peer", "floor"]
ORDER: dict[Kind, int] = {"ours": 0, "peer": 1, "floor": 2}


class Question(NamedTuple):
    """What is asked of everybody alike: one row of the table."""

    scenario: str
    case: str
    metric: str  # with its unit: "CPU s per million deliveries"


class Figure(NamedTuple):
    who: str
    kind: Kind
    values: tuple[float, ...]  # one a round

    @property
    def middle(self) -> float:
        return median(self.values)


class Figures:
    """Collects one value a round and answers with medians."""

    def __init__(self) -> None:
        self._values: dict[Question, dict[tuple[str, Kind], list[float]]] = {}
        self.notes: list[str] = []

    def add(
        self, scenario: str, case: str, metric: str, who: str, kind: Kind, value: float | None
    ) -> None:
        """None: there is nothing to tell in this round, such as a delay where no message carried
        its time.
        """
        if value is not None:
            self._values.setdefault(Question(scenario, case, metric), {}).setdefault(
                (who, kind), []
            ).append(value)

    def note(self, text: str) -> None:
        """Something the reader of the figures has to know."""
        if text not in self.notes:
            self.notes.append(text)

    def rows(self) -> Iterator[tuple[Question, list[Figure]]]:
        """In the order in which they were asked; ours first, then peers, then floors."""
        for question, by_whom in self._values.items():
            figures = [Figure(who, kind, tuple(values)) for (who, kind), values in by_whom.items()]
            yield question, sorted(figures, key=lambda figure: ORDER[figure.kind])

    def middle(self, question: Question, who: str) -> float | None:
        """The median for `who`, None where it was not measured."""
        found = [
            values for (name, _), values in self._values.get(question, {}).items() if name == who
        ]
        return median(found[0]) if found else None
