"""The README is true."""

import re
import subprocess
from pathlib import Path

from dev.run.parts import ROOT, procfile
from models.settings import Settings
from models.tables import metadata

README = (ROOT / "README.md").read_text()
ROW = re.compile(r"^\| `([A-Z_]+)` \| ?([^|]*?) ?\|", re.MULTILINE)
FOLDER = re.compile(r"^( *[a-z_]+/) +\S", re.MULTILINE)
# These mirror the tree.
MIRRORS = ("dev", "models", "realtime", "worker")
# Made by `make run` where they are not set, or taken from another setting.
SAID_IN_WORDS = {
    "DATABASE_URL": "*",
    "REDIS_URL": "*",
    "JWT_SECRET": "*",
    "CELERY_BROKER_URL": "`REDIS_URL`",
}


def test_every_setting_is_listed_with_its_default() -> None:
    listed = dict(ROW.findall(README))
    expected = {
        name.upper(): SAID_IN_WORDS.get(name.upper(), _shown(field.default))
        for name, field in Settings.model_fields.items()
    }
    assert listed == expected


def test_the_tree_names_every_folder_of_two_levels() -> None:
    assert set(FOLDER.findall(README)) == _folders()


def test_the_data_model_names_every_table() -> None:
    rows = README.partition("## The data model")[2].partition("## License")[0]
    listed = re.findall(r"`([a-z_]+)`", "\n".join(re.findall(r"^\|([^|]*)\|", rows, re.M)))
    assert sorted(listed) == sorted(metadata.tables)


def test_every_process_is_named() -> None:
    for name in procfile():
        assert f"`{name}`" in README


def test_the_files_it_links_to_are_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    missing = [link for link in links if not (ROOT / link).exists()]
    assert missing == []


def _shown(default: object) -> str:
    if default in ("", ()):
        return ""
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _folders() -> set[str]:
    """Return the folders as the README's tree writes them: `models/`, and indented `  alerts/`."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    folders = [Path(name).parts[:-1] for name in listed if not name.startswith(".")]
    first = {f"{parts[0]}/" for parts in folders if parts}
    second = {
        f"  {parts[1]}/"
        for parts in folders
        if len(parts) > 1 and not (parts[0] == "tests" and parts[1] in MIRRORS)
    }
    return first | second
