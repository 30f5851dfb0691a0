"""Docstrings are direct: they open with what is done, and say what is raised."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parent.parent
OBSCURE = {"Of", "As", "Into", "Likewise", "By", "To", "At"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Every module below these folders: its path and its syntax tree."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "node_modules" not in path.parts:
                tree = ast.parse(path.read_text(encoding="utf-8"))
                yield path.relative_to(ROOT).as_posix(), tree


def public_functions(tree: ast.Module) -> Iterator[Function]:
    """Functions and methods that others call.

    Without those within a function, and without `command`, whose docstring is its help.
    """
    for node in tree.body:
        for function in node.body if isinstance(node, ast.ClassDef) else [node]:
            if (
                isinstance(function, Function)
                and not function.name.startswith("_")
                and function.name != "command"
            ):
                yield function


def test_docstrings_open_with_what_is_done_or_what_it_is() -> None:
    obscure = [
        f"{path}: {docstring.partition('.')[0]}"
        for path, tree in modules("models", "worker", "realtime", "dev", "tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | Function)
        and (docstring := ast.get_docstring(node))
        and docstring.partition(" ")[0] in OBSCURE
    ]
    assert obscure == []


def test_public_functions_say_what_they_raise() -> None:
    silent = [
        f"{path}: {function.name}"
        for path, tree in modules("models", "worker", "realtime")
        for function in public_functions(tree)
        if any(isinstance(node, ast.Raise) and node.exc for node in ast.walk(function))
        and not re.search(r"\b[Rr]aises?\b", ast.get_docstring(function) or "")
    ]
    assert silent == []
