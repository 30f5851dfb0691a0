"""The figures of a run: what was measured, on whom, in which case, round by round."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from dev.bench.measure import median

Kind = Literal["ours", "peer", "floor"]
ORDER: dict[Kind, int] = {"ours": 0, "peer": 1, "floor": 2}


class Question(NamedTuple):
    """One thing that is measured on everybody alike: one row of the table."""

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
        """Add a round's value. None is left out: it stands for a round with nothing to measure,
        such as a delay where no message carried its time.
        """
        if value is not None:
            self._values.setdefault(Question(scenario, case, metric), {}).setdefault(
                (who, kind), []
            ).append(value)

    def note(self, text: str) -> None:
        """Add what the reader of the figures has to know, once."""
        if text not in self.notes:
            self.notes.append(text)

    def rows(self) -> Iterator[tuple[Question, list[Figure]]]:
        """The questions in the order in which they were first answered, each with its figures: ours
        first, then peers, then floors.
        """
        for question, by_whom in self._values.items():
            figures = [Figure(who, kind, tuple(values)) for (who, kind), values in by_whom.items()]
            yield question, sorted(figures, key=lambda figure: ORDER[figure.kind])

    def middle(self, question: Question, who: str) -> float | None:
        """The median for `who`, None where it was not measured."""
        answers = self._values.get(question, {})
        values = next((values for (name, _), values in answers.items() if name == who), None)
        return median(values) if values else None
