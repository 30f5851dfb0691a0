"""A policy to try: read from a file, checked, and merged into those in force, as by roster.sync."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from psycopg import Cursor

from models.ids import Id, spelled
from models.policy import validate

_STORED = "SELECT policy FROM tenant WHERE tenant_id = %s AND NOT deleted"
_SITES = "SELECT site_id, name, policy FROM site WHERE tenant_id = %s"


class BadPolicy(Exception):
    """The file holds no policy that could be put in force: one sentence for each thing that is
    wrong.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))


class Proposed(NamedTuple):
    """Whole policies, as they would be stored. `sites` are all the tenant's, also those with no
    policy of their own.
    """

    policy: dict[str, Any]
    sites: dict[Id, dict[str, Any]]
    names: dict[Id, str]

    def as_policies(self) -> dict[str, Any]:
        """Return them as worker.load takes them in place of the stored ones."""
        return {
            "policy": self.policy,
            "sites": {site_id: own for site_id, own in self.sites.items() if own},
        }


def read_file(path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the tenant's keys and, by site_id, the sites'.

    The file holds `{"grace_minutes": 20}` or `{"tenant": {...}, "sites": {"15": {...}}}`, where a
    string id is spelled as in commands. Raises BadPolicy where it holds anything else.
    """
    try:
        content = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise BadPolicy([f"{path}: cannot be read as JSON: {error}"]) from error
    if not isinstance(content, dict):
        raise BadPolicy(
            [f"{path}: must hold a JSON object of policy keys, or one with `tenant` and `sites`"]
        )
    tenant, sites = (
        (content.get("tenant", {}), content.get("sites", {}))
        if content.keys() <= {"tenant", "sites"}
        else (content, {})
    )
    if not isinstance(sites, dict):
        raise BadPolicy(["sites: must be an object of policies by site_id"])
    problems = validate(tenant) + [
        f"sites.{site_id}.{problem}" for site_id, own in sites.items() for problem in validate(own)
    ]
    if problems:
        raise BadPolicy(problems)
    return tenant, sites


def propose(
    cursor: Cursor, tenant_id: Id, tenant: Mapping[str, Any], sites: Mapping[str, Any]
) -> Proposed:
    """Return the policies as they would be if the tenant synced these keys.

    Raises LookupError for an unknown tenant, and BadPolicy for an unknown site.
    """
    stored = cursor.execute(_STORED, [tenant_id]).fetchone()
    if stored is None:
        raise LookupError(f"tenant {tenant_id} is unknown")
    rows = sorted(cursor.execute(_SITES, [tenant_id]).fetchall(), key=lambda row: row[0])
    unknown = sorted(set(sites) - {spelled(site_id) for site_id, _, _ in rows})
    if unknown:
        raise BadPolicy([f"sites.{site_id}: the tenant has no such site" for site_id in unknown])
    return Proposed(
        _merged(stored[0], tenant),
        {site_id: _merged(policy, sites.get(spelled(site_id), {})) for site_id, _, policy in rows},
        {site_id: name for site_id, name, _ in rows},
    )


def _merged(stored: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """Merge by key; null clears a key."""
    return {name: value for name, value in {**stored, **keys}.items() if value is not None}
