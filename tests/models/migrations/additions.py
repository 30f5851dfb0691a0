"""Checking that a revision only adds: old code runs on the new schema, and nobody waits long."""

import re
from collections.abc import Iterable

REMOVES = re.compile(r"\b(DROP (TABLE|COLUMN|CONSTRAINT|TYPE|TRIGGER|FUNCTION)|TRUNCATE|RENAME)\b")
CHANGES_TYPE = re.compile(r"\bALTER COLUMN \S+ (SET DATA )?TYPE\b")
DEMANDS = re.compile(r"\bALTER COLUMN \S+ (SET NOT NULL|DROP DEFAULT)\b")
NEW_TABLE = re.compile(r"^CREATE TABLE (IF NOT EXISTS )?(\S+)")
NEW_COLUMN = re.compile(r"^ALTER TABLE \S+ ADD COLUMN (.*)")
INDEX = re.compile(r"^CREATE (UNIQUE )?INDEX (CONCURRENTLY )?.* ON (\S+)")
CONSTRAINT = re.compile(
    r"^ALTER TABLE (\S+) ADD (CONSTRAINT|CHECK|FOREIGN KEY|UNIQUE|PRIMARY KEY)\b"
)
WHOLE_TABLE = re.compile(r"^(UPDATE|DELETE FROM) (?!alembic_version)")
# A default that Postgres works out once, for all rows that are there.
CONSTANT = re.compile(r"\bDEFAULT ('[^']*'(::\w+)?|-?[0-9.]+|true|false|null)(?=$| |,)")


def flaws(statements: Iterable[str]) -> list[str]:
    """Return what is wrong with the statements of one revision, in their order."""
    new_tables: set[str] = set()
    problems = []
    for text in statements:
        statement = " ".join(text.split())
        if table := NEW_TABLE.match(statement):
            new_tables.add(table[2])
        if flaw := _flaw(statement, new_tables):
            problems.append(f"{flaw}: {statement}")
    return problems


def _flaw(statement: str, new_tables: set[str]) -> str | None:
    if REMOVES.search(statement) or (
        statement.startswith("DROP INDEX") and "CONCURRENTLY" not in statement
    ):
        return "removes what old code may use"
    if CHANGES_TYPE.search(statement):
        return "rewrites the table under a lock"
    if DEMANDS.search(statement):
        return "demands what old code does not give"
    if (column := NEW_COLUMN.match(statement)) and (flaw := _column_flaw(column[1])):
        return flaw
    if (index := INDEX.match(statement)) and not index[2] and index[3] not in new_tables:
        return "keeps writers out while it builds"
    if (
        (constraint := CONSTRAINT.match(statement))
        and constraint[1] not in new_tables
        and "NOT VALID" not in statement
    ):
        return "keeps everybody out while it checks"
    if WHOLE_TABLE.match(statement) and "LIMIT" not in statement:
        return "changes all rows at once"
    return None


def _column_flaw(definition: str) -> str | None:
    has_default, is_constant = "DEFAULT" in definition, CONSTANT.search(definition)
    if has_default and not is_constant:
        return "writes a default into every row under a lock"
    if "NOT NULL" in definition and not has_default:
        return "demands what old code does not give"
    return None
