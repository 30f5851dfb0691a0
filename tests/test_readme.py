"""What the README says is so."""

import re

from dev.run.parts import ROOT, procfile
from models.settings import Settings

README = (ROOT / "README.md").read_text()
ROW = re.compile(r"^\| `([A-Z_]+)` \| ?([^|]*?) ?\|", re.MULTILINE)
# Made by `make run` where they are not set, or taken from another setting.
SAID_IN_WORDS = {"DATABASE_URL": "*", "REDIS_URL": "*", "JWT_SECRET": "*", "CELERY_BROKER_URL": "`REDIS_URL`"}


def test_every_setting_is_listed_with_its_default() -> None:
    listed = dict(ROW.findall(README))
    expected = {name.upper(): SAID_IN_WORDS.get(name.upper(), _shown(field.default)) for name, field in Settings.model_fields.items()}
    assert listed == expected


def test_every_top_level_folder_is_in_the_tree() -> None:
    tree = README.split("## The tree")[1]
    for folder in ("models", "worker", "realtime", "dev", "tests", "docs"):
        assert f"\n{folder}/ " in tree


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
