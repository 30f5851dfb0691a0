"""Reading the sections of a roster, and giving its string ids their numbers."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel
from sqlalchemy import Engine

from models.boundaries.tangles import Budget
from models.ids import Id, StringId, is_nobody
from models.intake.refused.reasons import Reason, Refused, reason, validated
from models.intake.roster.kinds import PLANNED, WITH_PAST, Kind
from models.numbering import Numbered, find_tenant, store
from models.schemas.roster import Envelope, RosterRow


class Section(NamedTuple):
    """The rows of a section that can be read, and those that cannot, each with its place."""

    rows: list[tuple[int, RosterRow]]
    refused: list[tuple[int, object, list[Reason]]]


class Readable(NamedTuple):
    """A roster's tenant and sections, by the name of the section; its string ids have numbers."""

    tenant_id: Id
    sections: Mapping[str, Section]


def read_roster(engine: Engine, roster: dict[str, Any], envelope: Envelope) -> Readable:
    """Read the rows of a roster, and store the string ids that they name.

    A tenant that nobody has stored is a new one, and brings its name: else nothing is stored but
    the tenant's own id, by which the roster waits for it.
    """
    budget = Budget()  # of all boundaries
    sections = {kind.section: _read(kind, roster, budget) for kind in (*WITH_PAST, *PLANNED)}
    tenant_id = envelope.tenant.tenant_id
    is_new = is_nobody(find_tenant(engine, tenant_id))
    rows = [] if is_new and "name" not in roster["tenant"] else list(_rows(sections))
    numbered = store(
        engine, [tenant_id], ((tenant_id, one) for row in rows for one in _strings_in(row))
    )
    tenant_id = numbered.tenant(tenant_id)
    for row in rows:
        _number(row, tenant_id, numbered)
    return Readable(tenant_id, sections)


def _read(kind: Kind, roster: dict[str, Any], budget: Budget) -> Section:
    contents = roster.get(kind.section)
    section = Section([], [])
    if not isinstance(contents, list | None):
        why = reason("wrong_type", kind.section, "must be a list")
        section.refused.append((0, contents, [why]))
    for index, content in enumerate(contents if isinstance(contents, list) else []):
        try:
            section.rows.append((index, validated(kind.model, content, budget)))
        except Refused as refused:
            section.refused.append((index, content, refused.reasons))
    return section


def _rows(sections: Mapping[str, Section]) -> Iterator[RosterRow]:
    return (row for section in sections.values() for _, row in section.rows)


def _strings_in(row: BaseModel) -> Iterator[StringId]:
    for value in row.__dict__.values():
        for one in value if type(value) is list else (value,):
            if type(one) is StringId:
                yield one


def _number(row: BaseModel, tenant_id: Id, numbered: Numbered) -> None:
    """Give the strings among the row's fields, also in lists of ids, their numbers."""
    for name, value in row.__dict__.items():
        if type(value) is StringId:
            row.__dict__[name] = numbered.id(tenant_id, value)
        elif type(value) is list and StringId in set(map(type, value)):
            row.__dict__[name] = [
                numbered.id(tenant_id, one) if type(one) is StringId else one for one in value
            ]
