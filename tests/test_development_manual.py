"""The developers' pages are true: files are where they say, and `make help` lists the targets."""

import importlib
import re
from configparser import ConfigParser
from pathlib import Path

import pytest

from dev.run.parts import ROOT
from models.tables import metadata

PAGES = (ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "development").glob("*.md")))
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
}
# Names in examples, of no test that there is.
EXAMPLES = {"test_night_punch", "test_a_second_run_opens_nothing_new"}
MAKEFILE = (ROOT / "Makefile").read_text()
GLOSSARY = (ROOT / "docs" / "development" / "glossary.md").read_text()
# Each word of the glossary with its explanation.
ENTRIES = re.findall(r"^- \*\*(.+?)\*\*: (.+?)(?=^- |\Z)", GLOSSARY, re.MULTILINE | re.DOTALL)
SOURCES = "\n".join(
    path.read_text()
    for part in ("models", "worker", "realtime")
    for path in sorted((ROOT / part).rglob("*.py"))
)
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
def test_the_tests_it_names_are_there(page: Path) -> None:
    named = set(re.findall(r"\btest_\w+\b(?![\w./])", page.read_text()))
    modules = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    assert named - TESTS - modules - EXAMPLES == set()


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


def test_the_glossary_is_alphabetical_and_has_each_word_once() -> None:
    words = [word for word, _ in ENTRIES]
    assert words == sorted(set(words), key=str.casefold)
    assert len(words) == GLOSSARY.count("- **")


@pytest.mark.parametrize(("word", "explanation"), ENTRIES, ids=[word for word, _ in ENTRIES])
def test_what_the_glossary_names_is_there(word: str, explanation: str) -> None:
    named = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", explanation)]
    paths = [name for name in named if "/" in name]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert [name for name in named if name not in paths and not is_defined(name, paths)] == []


def is_defined(name: str, paths: list[str]) -> bool:
    """Say whether a class stands in one of the modules, and any other name in the sources."""
    if re.fullmatch(r"[A-Z]\w*[a-z]\w*", name):
        modules = [path.removesuffix(".py").replace("/", ".") for path in paths if ".py" in path]
        return any(hasattr(importlib.import_module(module), name) for module in modules)
    if name in metadata.tables:
        return True
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", SOURCES) is not None


def test_the_glossary_names_every_table() -> None:
    assert {name for name in metadata.tables if f"`{name}`" not in GLOSSARY} == set()
