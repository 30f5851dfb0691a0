"""The table shows the medians of the rounds, and what they are held against."""

from dev.bench.figures import Figures, Question
from dev.bench.table import rendered
from dev.bench.targets import BURST, outcomes


def fan_out(figures: Figures, ours: list[float], node: list[float]) -> None:
    for value in node:
        figures.add(*BURST, "node", "peer", value)
    for value in ours:
        figures.add(*BURST, "rollcall", "ours", value)


def test_a_figure_is_the_median_of_its_rounds() -> None:
    figures = Figures()
    fan_out(figures, [9.0, 1.0, 2.0], [10.0])
    assert figures.middle(BURST, "rollcall") == 2.0


def test_ours_stands_before_peers_and_floors() -> None:
    figures = Figures()
    fan_out(figures, [1.0], [10.0])
    [(question, answers)] = figures.rows()
    assert question == BURST
    assert [figure.who for figure in answers] == ["rollcall", "node"]


def test_what_could_not_be_measured_in_a_round_is_left_out() -> None:
    figures = Figures()
    question = Question("end to end", "a case", "p50, ms")
    figures.add(*question, "rollcall", "ours", None)
    assert figures.middle(question, "rollcall") is None


def test_a_target_is_met_at_its_limit_and_missed_above_it() -> None:
    met, missed = Figures(), Figures()
    fan_out(met, [1.5], [10.0])
    fan_out(missed, [1.6], [10.0])
    assert [outcome.met for outcome in outcomes(met)] == [True]
    assert [outcome.met for outcome in outcomes(missed)] == [False]


def test_a_target_without_its_other_figure_is_not_judged() -> None:
    figures = Figures()
    fan_out(figures, [1.5], [])
    assert outcomes(figures) == []


def test_the_table_shows_ours_beside_each_peer_with_the_ratio() -> None:
    figures = Figures()
    fan_out(figures, [1.0], [10.0])
    assert "node 10 (0.1 x)" in rendered(figures, outcomes(figures))
