"""The developers' pages are true: files are where they say, targets are those of `make help`."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

from dev.run.parts import ROOT

PAGES = (ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "development").glob("*.md")))
MAKEFILE = (ROOT / "Makefile").read_text()
PHONY = set(" ".join(re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)).split()) - {"again"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_files_it_names_are_there(page: Path) -> None:
    named = re.findall(
        r"\b(?:models|worker|realtime|dev|tests|docs)/[\w./]*\w\.(?:py|md)\b", page.read_text()
    )
    linked = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    missing = {name for name in named if not (ROOT / name).exists()}
    missing |= {link for link in linked if not (page.parent / link).exists()}
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_targets_it_names_are_there(page: Path) -> None:
    named = re.findall(r"^make ([\w-]+)|`make ([\w-]+)`", page.read_text(), re.MULTILINE)
    assert {first or second for first, second in named} <= PHONY


def test_make_help_lists_every_target() -> None:
    listed = re.findall(r'^\t@echo "make ([\w-]+)  ', MAKEFILE, re.MULTILINE)
    assert set(listed) | {"help"} == PHONY


@pytest.mark.parametrize(("column", "contract"), [(0, "layers"), (1, "realtime")])
def test_the_layers_it_shows_are_those_that_are_checked(column: int, contract: str) -> None:
    page = (ROOT / "docs" / "development" / "architecture.md").read_text()
    table = page.partition("| worker | realtime |\n")[2].partition("\n\n")[0].splitlines()[1:]
    shown = [row.split("|")[1 + column] for row in table]
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    layers = setup[f"importlinter:contract:{contract}"]["layers"].split("\n")
    assert [re.findall(r"`(\w+)`", cell) for cell in shown if cell.strip()] == [
        re.findall(r"\w+", layer) for layer in layers if layer
    ]
