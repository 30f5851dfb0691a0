"""A copy of the product in a folder of its own, which a test changes and runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from models.migrations.revision import newest_revision

ROOT = Path(__file__).parents[2]

REVISION = """
import sqlalchemy as sa
from alembic import op
from models.migrations.expand import add_column, build_index, drop_index, in_batches

revision, down_revision, branch_labels, depends_on = "{revision}", "{before}", None, None


def upgrade() -> None:
    {statement}
"""


class Product:
    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder / "product"
        for package in ("models", "worker"):
            shutil.copytree(ROOT / package, self.folder / package)
        self._newest = newest_revision()
        self._environment = os.environ | {
            "DATABASE_URL": database_url,
            "REDIS_URL": "redis://localhost",
            "PYTHONPATH": str(self.folder),
        }

    def edit(self, file: str, before: str, after: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times in {file}"
        path.write_text(text.replace(before, after))

    def add_revision(self, statement: str) -> str:
        """Put one more revision behind the newest; return its number."""
        revision = f"{int(self._newest) + 1:04}"
        text = REVISION.format(revision=revision, before=self._newest, statement=statement)
        (self.folder / f"models/migrations/versions/{revision}_added.py").write_text(text)
        self._newest = revision
        return revision

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Python with these arguments, in the copy."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run Python with these arguments, in the copy. Return its status and all its output."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output

    def migrate(self, patience: float = 60) -> tuple[int, str]:
        return self.run("-m", "models", "migrate", "--patience", str(patience))
