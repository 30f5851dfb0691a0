"""The manual says what the detectors do."""

import re

import pytest

from dev.detection_manual import MANUAL, manual
from models.policy import KEYS
from worker.registry import DETECTORS


def test_the_manual_is_up_to_date() -> None:
    assert MANUAL.read_text(encoding="utf-8") == manual(), "run: python -m dev.detection_manual"


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.TYPE)
def test_every_policy_a_page_names_exists(detector: object) -> None:
    policies = (detector.__doc__ or "").partition("\nPolicy:")[2].partition("\n\n")[0]
    keys = set(re.findall(r"`([a-z_]+)`", policies))
    assert keys and keys <= KEYS.keys()
