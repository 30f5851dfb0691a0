"""A field is added to a punch, in a copy: one class, one column, one migration, no other edit."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.models.intake.stored import a_punch
from tests.models.product import Product

# It makes calls one after the other, and answers with the outcomes of each and all that is stored
# after it.
SUBMIT = """
import json, os, sys
import psycopg
from psycopg.rows import dict_row
from models.database import make_engine
from models.intake import submit, sync_roster

def text(value: object):
    return value.hex() if isinstance(value, bytes) else str(value)

url = os.environ["DATABASE_URL"]
engine = make_engine(url)
site = {"site_id": 15, "name": "Office", "timezone": "Europe/Berlin"}
sync_roster(engine, {"tenant": {"tenant_id": 1, "name": "Acme"}, "sites": [site]})
answers = []
with psycopg.connect(url, row_factory=dict_row, autocommit=True) as connection:
    for punches in json.loads(sys.argv[1]):
        outcomes = [outcome._asdict() for outcome in submit(engine, punches)]
        tables = ("punch", "punch_revision", "pending", "rejected")
        stored = {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY punch_id").fetchall()
            for table in tables
        }
        answers.append([outcomes, stored])
engine.dispose()
print(json.dumps(answers, default=text))
"""
# What the judge reads of the punch `new`.
WINDOW = """
import json, os
import psycopg
from datetime import UTC, datetime
from worker.load import load_subjects
from worker.rules.finding import Subject
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    subjects = frozenset({Subject("new", "")})
    window = load_subjects(connection.cursor(), 1, subjects, datetime(2026, 3, 2, 12, tzinfo=UTC))
(punch,) = window.punches_to_judge
print(json.dumps([punch.shoe_size, punch.biometric_firmware]))
"""
FIRST = a_punch(
    punch_id="first", biometric={"method": "face", "score": 0.9, "vendor": "V"}, note="x"
)
# Sent by somebody who did not wait for us to know them.
EARLY = a_punch(
    punch_id="early",
    occurred_at="2026-03-02T09:00:00Z",
    shoe_size=42,
    biometric={"firmware": "1.2"},
)
CORRECTED = a_punch(
    punch_id="corrected", occurred_at="2026-03-02T10:00:00Z", sent_at="2026-03-02T10:00:00Z"
)
CORRECTION = CORRECTED | {"latitude": 52.5, "sent_at": "2026-03-02T10:01:00Z"}
HOMELESS = a_punch(punch_id="homeless", site_id=99)
OLD = [FIRST, EARLY, CORRECTED, CORRECTION, HOMELESS]


@pytest.fixture
def product(tmp_path: Path, postgres_url: str) -> Product:
    return Product(tmp_path, postgres_url)


Answer = tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]


def submitted(product: Product, *calls: list[dict[str, Any]]) -> list[Answer]:
    """Return the outcomes of each call, and the rows of each table after it."""
    code, output = product.run("-c", SUBMIT, json.dumps(calls))
    assert code == 0, output
    return [(outcomes, stored) for outcomes, stored in json.loads(output)]


def add_fields(product: Product) -> None:
    product.edit(
        "models/schemas/punch.py",
        "    backfill: bool = False\n",
        "    shoe_size: Annotated[int, Field(ge=1)] | None = None\n"
        "    biometric_firmware: Text | None = None\n"
        "    backfill: bool = False\n",
    )
    product.edit(
        "models/tables/punches.py",
        '    submitter("voided_by"),\n',
        '    submitter("voided_by"),\n'
        '    Column("shoe_size", Integer),\n'
        '    Column("biometric_firmware", Text),\n',
    )
    product.add_revision(
        'add_column("punch", sa.Column("shoe_size", sa.Integer()));'
        ' add_column("punch", sa.Column("biometric_firmware", sa.Text()))'
    )


def test_a_new_field_is_stored_read_and_corrected_and_changes_no_stored_digest(
    product: Product, postgres_url: str
) -> None:
    ((_, before),) = submitted(product, OLD)
    with psycopg.connect(postgres_url) as connection:
        connection.execute("TRUNCATE pending")
    add_fields(product)
    code, output = product.migrate()
    assert code == 0, output
    new = a_punch(punch_id="new", shoe_size=43, biometric={"method": "face", "firmware": "2.0"})
    later = {"sent_at": "2026-03-02T10:02:00Z"}
    again, taken, refused, corrected, completed = submitted(
        product,
        OLD,
        [new],
        [new | {"shoe_size": 0}],
        [new | {"shoe_size": 44} | later],
        [FIRST | {"shoe_size": 41} | later],
    )

    # All that was stored comes once more, and is what it was.
    outcomes, stored = again
    assert [outcome["applied"] for outcome in outcomes] == [True, True, False, True, False]
    assert digests(stored) == digests(before)
    assert stored["punch_revision"] == before["punch_revision"]
    assert stored["pending"] == []
    assert [row["times"] for row in stored["rejected"]] == [2]

    # The field is taken, or refused by its bounds, and stored.
    row = by_id(taken[1]["punch"], "new")
    assert (row["shoe_size"], row["biometric_firmware"], row["extra"]) == (43, "2.0", None)
    whys = [(why["code"], why["field"]) for why in refused[0][0]["reasons"]]
    assert whys == [("out_of_range", "shoe_size")]

    # Another value is a correction, which keeps what was before.
    assert by_id(corrected[1]["punch"], "new")["shoe_size"] == 44
    kept = [row["content"] for row in corrected[1]["punch_revision"] if row["punch_id"] == "new"]
    assert sorted(content["shoe_size"] for content in kept) == [43, 44]
    # So is a value where none was given before.
    assert by_id(completed[1]["punch"], "first")["shoe_size"] == 41
    assert len([row for row in completed[1]["pending"] if row["punch_id"] == "first"]) == 2

    # The judge reads it.
    code, output = product.run("-c", WINDOW)
    assert (code, json.loads(output)) == (0, [44, "2.0"])


def test_old_and_new_workers_give_one_content_one_digest(
    product: Product, postgres_url: str
) -> None:
    """During an upgrade the schema is new, and either may get a punch that has the field."""
    new = Product(product.folder.parent / "new", postgres_url)
    add_fields(new)
    code, output = new.migrate()
    assert code == 0, output
    punches = [a_punch(shoe_size=42, biometric={"firmware": "1.2"})]
    submitted(product, punches)
    submitted(new, punches)
    ((outcomes, stored),) = submitted(product, punches)
    assert outcomes[0]["applied"]
    assert stored["punch_revision"] == []
    assert len(stored["pending"]) == 1


def digests(stored: dict[str, list[dict[str, Any]]]) -> dict[str, list[tuple[str, str]]]:
    return {
        table: [(row["punch_id"], row["content_hash"]) for row in stored[table]]
        for table in ("punch", "punch_revision", "rejected")
    }


def by_id(rows: list[dict[str, Any]], punch_id: str) -> dict[str, Any]:
    (row,) = (row for row in rows if row["punch_id"] == punch_id)
    return row
