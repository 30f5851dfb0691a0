"""The vocabulary is the one place: its words have what is named after them, and no second list."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from typing import get_args

import pytest

from dev.run.parts import ROOT
from models.policy import DEFAULT_POLICY
from models.vocabulary import (
    ALERT_STATES,
    ANOMALY_STATES,
    ROLES,
    SEVERITIES,
    TITLES,
    TYPES,
    AlertStatus,
    AnomalyStatus,
    AnomalyType,
    Severity,
    gravest,
)
from worker.registry import DETECTORS

WORDS = frozenset((*SEVERITIES, *TYPES, *ANOMALY_STATES, *ALERT_STATES, *ROLES))
# Where each word has something of its own: a line of the table of moves, a key of the policy.
MAY_NAME_SEVERAL = {"models/vocabulary.py", "models/alerts/moves.py", "models/policy/alerts.py"}
PRODUCT = sorted(
    path
    for package in ("models", "worker", "realtime")
    for path in (ROOT / package).rglob("*.py")
    if "migrations" not in path.parts and str(path.relative_to(ROOT)) not in MAY_NAME_SEVERAL
)


@pytest.mark.parametrize("name", TYPES)
def test_a_type_has_a_detector_a_policy_a_test_and_a_page_of_its_name(name: str) -> None:
    detector = import_module(f"worker.detectors.{name.lower()}")
    assert name == detector.TYPE
    assert detector in DETECTORS
    assert (detector.__doc__ or "").startswith(f"{TITLES[name]}: ")
    assert type(DEFAULT_POLICY.of_type(name)).__module__ == f"models.policy.{name.lower()}"
    assert (ROOT / "tests" / "worker" / "detectors" / f"test_{name.lower()}.py").is_file()
    assert f"\n## {name}\n" in (ROOT / "docs" / "detection.md").read_text()


def test_the_folder_of_detectors_and_the_registry_hold_the_types_and_nothing_else() -> None:
    assert _modules("worker/detectors") == {name.lower() for name in TYPES}
    assert [detector.TYPE for detector in DETECTORS] == sorted(TYPES)


def test_the_literals_are_the_lists() -> None:
    assert get_args(Severity) == SEVERITIES
    assert get_args(AnomalyType) == TYPES
    assert get_args(AnomalyStatus) == tuple(ANOMALY_STATES)
    assert get_args(AlertStatus) == tuple(ALERT_STATES)


def test_the_gravest_severity_is_the_last_in_the_list() -> None:
    assert gravest(reversed(SEVERITIES)) == SEVERITIES[-1] == "CRITICAL"
    assert gravest(["MEDIUM", "LOW"]) == "MEDIUM"


def test_a_word_that_two_lists_share_has_one_title() -> None:
    for name in ANOMALY_STATES.keys() & ALERT_STATES.keys():
        assert ANOMALY_STATES[name].title == ALERT_STATES[name].title


def test_nobody_lists_the_words_once_more() -> None:
    found = {
        str(path.relative_to(ROOT)): list(_lists(ast.parse(path.read_text()))) for path in PRODUCT
    }
    assert {name: lists for name, lists in found.items() if lists} == {}


def test_the_page_takes_them_from_the_server() -> None:
    for path in sorted((ROOT / "realtime" / "console").glob("*.js")):
        lists = (
            re.findall(r"\[[^\]\[]*\]", path.read_text()) if "socket.io" not in path.name else []
        )
        assert [
            found
            for found in lists
            if len(_words_in(found, quote='"')) > 1 and not _is_set_aside(found)
        ] == []


def _is_set_aside(text: str) -> bool:
    """The page's own notion of an anomaly that nobody need look at any more."""
    return _words_in(text, quote='"') == {"WITHDRAWN", "FALSE_POSITIVE", "RESOLVED"}


def _lists(tree: ast.AST) -> Iterator[str]:
    """Lists, sets, dicts and SQL that spell more than one of the words."""
    for node in ast.walk(tree):
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            elements: list[ast.expr | None] = [*node.elts]
        elif isinstance(node, ast.Dict):
            elements = [*node.keys]
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and len(_words_in(node.value)) > 1
        ):
            yield node.value
            continue
        else:
            continue
        spelled = {element.value for element in elements if isinstance(element, ast.Constant)}
        if len(spelled & WORDS) > 1:
            yield ast.unparse(node)


def _words_in(text: str, quote: str = "'") -> set[str]:
    return set(re.findall(rf"{quote}(\w+){quote}", text)) & WORDS


def _modules(folder: str) -> set[str]:
    return {path.stem for path in (ROOT / folder).glob("*.py")} - {"__init__"}
