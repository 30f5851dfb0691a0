"""Lines are of at most 100 columns. Ruff holds Python to that; this holds every other text file."""

import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from dev.run.parts import ROOT

COLUMNS = 100
EXEMPT = {
    "*.py": "`make check` holds it, by Ruff's E501",
    "*.png": "not text",
    "*package-lock.json": "written by npm",
    "*/icon.svg": "the path of a drawing, which nobody reads",
}
# What a Markdown line cannot be broken within: code, a link, an address.
UNBREAKABLE = re.compile(r"`[^`]*`|\[[^\]]*\]\([^)]*\)|https?://\S+")


def repository_files() -> list[str]:
    """Return the files that git tracks or, without git, those that .gitignore does not name."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
        )
        return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    return list(walked(ROOT))


def walked(folder: Path) -> Iterator[str]:
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    ignored = [".git", *(line.rstrip("/") for line in lines)]
    for path in sorted(folder.iterdir()):
        name = str(path.relative_to(ROOT))
        if any(fnmatch(path.name, pattern) or fnmatch(name, pattern) for pattern in ignored):
            continue
        if path.is_dir():
            yield from walked(path)
        else:
            yield name


def too_long(name: str, text: str) -> list[int]:
    """Return the numbers of the lines that are too long and could be broken."""
    markdown = name.endswith(".md")
    in_fence = False
    numbers = []
    for number, line in enumerate(text.splitlines(), 1):
        if markdown and line.lstrip().startswith("```"):
            in_fence = not in_fence
        if len(line) > COLUMNS and not (markdown and (in_fence or must_stay_whole(line))):
            numbers.append(number)
    return numbers


def must_stay_whole(line: str) -> bool:
    """Say whether a line is a table's row, indented code, or one piece with no place to break."""
    if line.startswith(("|", "    ")):
        return True
    pieces = UNBREAKABLE.sub("x", line).removeprefix("- ").split()
    return len(pieces) == 1


def test_lines_are_of_at_most_100_columns() -> None:
    names = [name for name in repository_files() if not any(fnmatch(name, kind) for kind in EXEMPT)]
    assert len(names) > 50
    found = {name: too_long(name, (ROOT / name).read_text(encoding="utf-8")) for name in names}
    assert {name: numbers for name, numbers in found.items() if numbers} == {}


def test_a_tree_without_git_is_walked_as_well() -> None:
    assert set(repository_files()) <= set(walked(ROOT))


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("word " * 21, [1]),
        ("word " * 20, []),
        ("| " + "cell " * 25 + "|", []),
        ("- `tests/" + "x" * 100 + "`", []),
        ("- see `tests/" + "x" * 100 + "`", [1]),
        ("[a page](https://example.com/" + "x" * 100 + ")", []),
        ("```\n" + "x " * 60 + "\n```\n" + "x " * 60, [4]),
    ],
)
def test_a_markdown_line_is_exempt_only_if_it_cannot_be_broken(
    line: str, numbers: list[int]
) -> None:
    assert too_long("page.md", line) == numbers
    assert too_long("page.js", "x" * 101) == [1]
