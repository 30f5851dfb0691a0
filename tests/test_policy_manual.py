"""docs/policy.md lists every key of the policy, with the default and range that the code has."""

import json
import re
from typing import Any

import pytest

from dev.run.parts import ROOT
from models.policy import KEYS
from models.vocabulary import TYPES

MANUAL = (ROOT / "docs" / "policy.md").read_text()
LISTED = re.findall(r"\| `([a-z_]+)` \| ([^|]+?) (?=\|)", MANUAL)
RANGES = re.findall(
    r"^\| `([a-z_]+)` \| [^|]+ \| ((?:[^|]+ to|up to) [^|]+?) \| ([^|]*?) ?\|", MANUAL, re.MULTILINE
)
UNITS = {
    "_seconds": "s",
    "_minutes": "min",
    "_hours": "h",
    "_kmh": "km/h",
    "_km": "km",
    "_m": "m",
    "_days": "days",
}


def test_every_key_is_listed_once_and_no_other() -> None:
    assert sorted(name for name, _ in LISTED) == sorted(KEYS)


@pytest.mark.parametrize(("name", "default"), LISTED)
def test_its_default_is_the_one_in_the_code(name: str, default: str) -> None:
    expected = KEYS[name].default
    if isinstance(expected, list):
        assert json.loads(default.strip("`")) == [
            step.model_dump(exclude_none=True) for step in expected
        ]
    elif isinstance(expected, int | float):
        assert float(default.replace(",", "")) == expected
    else:
        assert default == (expected or "not set")


@pytest.mark.parametrize(("name", "allowed", "unit"), RANGES)
def test_its_range_and_unit_are_the_ones_in_the_code(name: str, allowed: str, unit: str) -> None:
    assert allowed == _range(name)
    assert unit == next((UNITS[ending] for ending in UNITS if name.endswith(ending)), "")


def test_every_range_is_told() -> None:
    """Weights all have the same range, which the manual tells in words."""
    ranged = {
        name
        for name, key in KEYS.items()
        if not isinstance(key.default, str) and key.field != "weight"
    }
    assert {name for name, _, _ in RANGES} == ranged
    assert "weight, from 0 to 1" in MANUAL


def test_the_types_stand_beside_their_weights() -> None:
    for name in map(str.lower, TYPES):
        assert f"\n| `{name}` | on | `{name}_weight` |" in MANUAL


def _range(name: str) -> str:
    limits = _limits(KEYS[name].part.model_json_schema()["properties"][KEYS[name].field])
    if "maxItems" in limits:
        return f"up to {limits['maxItems']} steps"
    least = (
        f"over {limits['exclusiveMinimum']:,.10g}"
        if "exclusiveMinimum" in limits
        else f"{limits['minimum']:,.10g}"
    )
    return f"{least} to {limits['maximum']:,.10g}"


def _limits(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the limits of a field, or of what it may be besides null."""
    return next(iter(schema.get("anyOf", [schema])))
