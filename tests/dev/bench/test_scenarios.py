"""Each scenario runs from end to end on real parts, in the smallest size. The figures themselves
are not tested.
"""

from types import ModuleType

import pytest

from dev.bench.figures import Figures
from dev.bench.peers.every import DAPHNE, NODE, PLAIN, UVICORN
from dev.bench.scenarios import burst, dense, elsewhere, fanout, idle, pipeline, storm
from dev.bench.size import TINY
from dev.bench.stage import raise_stage

pytestmark = pytest.mark.compiler
# Their packages are not among those that tests may expect.
PEERS = frozenset((NODE, PLAIN, UVICORN, DAPHNE))


@pytest.mark.parametrize(
    "scenario",
    [fanout, storm, elsewhere, idle, pipeline, burst, dense],
    ids=lambda module: module.__name__.rpartition(".")[2],
)
def test_a_scenario_answers_its_questions_for_rollcall(scenario: ModuleType) -> None:
    figures = Figures()
    with raise_stage(TINY, figures, PEERS) as stage:
        scenario.run(stage)
    questions = [question for question, answers in figures.rows() if answers[0].kind == "ours"]
    assert questions and len(questions) == len(list(figures.rows()))
