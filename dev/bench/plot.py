"""Draws the figures: a panel for each metric of a scenario, with the spread of the rounds as
whiskers.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes

from dev.bench.figures import Figure, Figures, Question

COLOURS = {"ours": "#2563eb", "peer": "#f59e0b", "floor": "#9ca3af"}
COLUMNS = 3


def draw(figures: Figures, *targets: Path) -> None:
    """Write the picture to each path; its ending says the format."""
    rows = list(figures.rows())
    height = -(-len(rows) // COLUMNS)
    picture, panels = pyplot.subplots(
        height, COLUMNS, figsize=(6 * COLUMNS, 1.9 * height), squeeze=False, layout="constrained"
    )
    for index, panel in enumerate(panels.flat):
        if index < len(rows):
            _panel(panel, *rows[index])
        else:
            panel.set_axis_off()
    for target in targets:
        picture.savefig(target, dpi=110)
    pyplot.close(picture)


def _panel(panel: Axes, question: Question, answers: list[Figure]) -> None:
    middles = [figure.middle for figure in answers]
    below = [figure.middle - min(figure.values) for figure in answers]
    above = [max(figure.values) - figure.middle for figure in answers]
    places = range(len(answers))
    panel.barh(
        places,
        middles,
        xerr=[below, above],
        color=[COLOURS[figure.kind] for figure in answers],
        ecolor="#374151",
        capsize=2,
    )
    panel.set_yticks(places, [figure.who for figure in answers], fontsize=7)
    panel.invert_yaxis()
    if min(middles) > 0 and max(middles) / min(middles) > 20:
        panel.set_xscale("log")
    panel.tick_params(axis="x", labelsize=7)
    panel.set_title(
        f"{question.scenario}, {question.case}\n{question.metric}", fontsize=8, loc="left"
    )
