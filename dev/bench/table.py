"""The figures as a table: a row for each question, with ours beside peers and floors and the ratio
of ours to theirs; then the targets.
"""

from collections.abc import Sequence

from dev.bench.figures import Figure, Figures
from dev.bench.targets import Outcome

HEADER = ("", "what", "Rollcall", "peers and floors (ours : theirs)")


def rendered(figures: Figures, outcomes: Sequence[Outcome]) -> str:
    return "\n".join(
        [
            *_aligned([HEADER, *_figure_rows(figures)]),
            "",
            *_aligned(
                [
                    ("target", "at most", "measured", ""),
                    *(_target_row(outcome) for outcome in outcomes),
                ]
            ),
            *("note: " + text for text in figures.notes),
        ]
    )


def as_markdown(figures: Figures, outcomes: Sequence[Outcome]) -> str:
    rows = [HEADER, ("---",) * 4, *_figure_rows(figures)]
    targets = [
        ("target", "at most", "measured", ""),
        ("---",) * 4,
        *(_target_row(outcome) for outcome in outcomes),
    ]
    return "\n".join(
        [
            *(f"| {' | '.join(row)} |" for row in rows),
            "",
            *(f"| {' | '.join(row)} |" for row in targets),
        ]
    )


def _figure_rows(figures: Figures) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for question, answers in figures.rows():
        ours = next((figure for figure in answers if figure.kind == "ours"), None)
        compared = [figure for figure in answers if figure is not ours]
        rows.append(
            (
                question.scenario,
                f"{question.case}: {question.metric}",
                _number(ours.middle) if ours else "-",
                " · ".join(_beside(ours, figure) for figure in compared),
            )
        )
    return rows


def _beside(ours: Figure | None, figure: Figure) -> str:
    text = f"{figure.who} {_number(figure.middle)}"
    return f"{text} ({ours.middle / figure.middle:.2g} x)" if ours and figure.middle else text


def _target_row(outcome: Outcome) -> tuple[str, ...]:
    return (
        outcome.what,
        f"{outcome.most:g}",
        f"{outcome.ratio:.3g}",
        "met" if outcome.met else f"missed by {outcome.ratio / outcome.most:.2g} x",
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
