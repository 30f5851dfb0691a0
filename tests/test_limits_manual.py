"""docs/operating.md tells the limits as they are in the code and in the settings."""

import importlib
import re
from pathlib import Path

import pytest

from models.settings import Settings

MANUAL = (Path(__file__).parent.parent / "docs" / "operating.md").read_text()
SECTION = MANUAL.partition("\n## Limits\n")[2].partition("\n## ")[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in SECTION.splitlines()
    if line.startswith("| ") and not line.startswith(("| limit", "| ---"))
]
# A figure, its unit or nothing, and in brackets whose it is: a constant's in a module, a setting's.
CONSTANT = re.compile(r"(\d[\d,]*)[^(|]*\(`([A-Z_]+)`, `([\w/]+\.py)`\)")
SETTING = re.compile(r"(\d[\d,]*)[^(|]*\(`([A-Z_]+)`\)")
CONSTANTS = CONSTANT.findall(SECTION)
SETTINGS = SETTING.findall(SECTION)
# Names of what bounds a client's doing, in the modules that clients reach first.
BOUND = re.compile(r"^(MAX_[A-Z_]+|MOST_[A-Z_]+)\s*(?::[^=]+)?=", re.MULTILINE)
# Bounds of what is shown, not of what is asked.
OF_ANSWERS = {"MOST_ITEMS"}


def test_each_row_names_its_value_what_trips_it_and_what_the_client_is_told() -> None:
    assert len(ROWS) >= 25
    assert [row for row in ROWS if len(row) != 4 or not all(row)] == []
    assert [row[0] for row in ROWS if not (CONSTANT.search(row[1]) or SETTING.search(row[1]))] == []


@pytest.mark.parametrize(("figure", "name", "path"), CONSTANTS)
def test_a_limit_has_the_value_of_its_constant(figure: str, name: str, path: str) -> None:
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    assert float(figure.replace(",", "")) == getattr(module, name)


@pytest.mark.parametrize(("figure", "name"), SETTINGS)
def test_a_limit_has_the_default_of_its_setting(figure: str, name: str) -> None:
    assert float(figure.replace(",", "")) == Settings.model_fields[name.lower()].default


def test_every_bound_of_the_server_is_told() -> None:
    realtime = Path(__file__).parent.parent / "realtime"
    bounds = {
        name for path in sorted(realtime.rglob("*.py")) for name in BOUND.findall(path.read_text())
    }
    assert len(bounds) >= 10
    assert bounds - {name for _, name, _ in CONSTANTS} - OF_ANSWERS == set()
