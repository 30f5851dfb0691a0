"""Whatever models, worker and realtime import is named among their requirements: nothing works only
because `dev` installs it.
"""

import ast
import configparser
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dev.packing.client import ROOT

OURS = {"models", "worker", "realtime"}


def test_every_package_that_is_imported_is_required_by_name() -> None:
    distributions = packages_distributions()
    required = {canonicalize_name(requirement.name) for requirement in _requirements()}
    missing = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path, name in _imported()
        if not required
        & {canonicalize_name(distribution) for distribution in distributions.get(name, [])}
    }
    assert missing == set()


def test_what_is_imported_by_celery_for_its_brokers_is_required() -> None:
    """kombu imports its transports by name, when a broker's address asks for one."""
    assert {"redis"} <= next(
        requirement.extras for requirement in _requirements() if requirement.name == "kombu"
    )


def _requirements() -> list[Requirement]:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options"]["install_requires"].splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]


def _imported() -> Iterator[tuple[Path, str]]:
    """(file, package) for each top-level package of others that a file of the product imports,
    anywhere in it.
    """
    for folder in sorted(OURS):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                for name in _names(node):
                    if name not in OURS | sys.stdlib_module_names:
                        yield path, name


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module.partition(".")[0]]
    return []
