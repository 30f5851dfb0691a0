"""What a viewer hears: the sites of its token, and the filter it set.

Viewers with the same of both are one group.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from models.ids import Id, as_id
from models.vocabulary import SEVERITIES, TYPES
from realtime.errors import ClientError

MAX_FILTER_SITES = 1_000


class Filter(NamedTuple):
    """What a viewer asked to hear: OR within a field, AND between them; an empty one means all."""

    types: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    sites: tuple[Id, ...] = ()

    def as_object(self) -> dict[str, list[Any]]:
        return {
            name: list(values) for name, values in zip(self._fields, self, strict=True) if values
        }

    def passes(
        self, anomaly_type: str | None, severity: str | None, prior_severity: str | None
    ) -> bool:
        """Return whether a message of a site that is heard passes.

        An update does if its new or its previously said severity matches. `sites` is not looked at:
        Hearing.sites accounts for it.
        """
        if self.types and anomaly_type is not None and anomaly_type not in self.types:
            return False
        return (
            not self.severities
            or severity is None
            or severity in self.severities
            or prior_severity in self.severities
        )


NO_FILTER = Filter()


class Hearing(NamedTuple):
    """What is heard: that of the token's sites (None for all) which passes the filter."""

    scope: frozenset[Id] | None
    filter: Filter

    def sites(self) -> frozenset[Id] | None:
        """Return the only sites heard; None for all, and then for messages without a site too."""
        if not self.filter.sites:
            return self.scope
        sites = frozenset(self.filter.sites)
        return sites if self.scope is None else sites & self.scope


def parse_filter(value: object, scope: frozenset[Id] | None) -> Filter:
    """Return the filter that a client gave, checked.

    Raises ClientError `invalid`, or `forbidden` for a site outside the token's, which are `scope`.
    """
    if value is None:
        return NO_FILTER
    if not isinstance(value, dict):
        raise ClientError("invalid", "A filter must be an object with types, severities and sites.")
    unknown = [str(name)[:40] for name in value if name not in Filter._fields]
    if unknown:
        raise ClientError(
            "invalid", f"A filter has types, severities and sites, not {', '.join(unknown[:5])}."
        )
    types = _choices(value.get("types"), "types", TYPES)
    severities = _choices(value.get("severities"), "severities", SEVERITIES)
    listed = _listed(value.get("sites"), "sites")
    sites = read_sites(listed)
    if len(listed) > MAX_FILTER_SITES or len(sites) < len(listed):
        raise ClientError("invalid", f"sites must be a list of at most {MAX_FILTER_SITES} ids.")
    if scope is not None and not scope.issuperset(sites):
        raise ClientError("forbidden", "The token does not cover every site in the filter.")
    return Filter(types, severities, sites)


def read_sites(values: Iterable[object]) -> tuple[Id, ...]:
    """Return those of the values of JSON that are ids, strings without their numbers."""
    return tuple(site_id for value in values if (site_id := as_id(value)) is not None)


def _choices(value: object, name: str, choices: tuple[str, ...]) -> tuple[str, ...]:
    values = _listed(value, name)
    if not all(choice in choices for choice in values):
        raise ClientError("invalid", f"{name} must be a list out of {', '.join(choices)}.")
    return values


def _listed(value: object, name: str) -> tuple[Any, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ClientError("invalid", f"{name} must be a list.")
    return tuple(dict.fromkeys(_hashable(entry, name) for entry in value))


def _hashable(entry: object, name: str) -> object:
    if not isinstance(entry, str | int) or isinstance(entry, bool):
        raise ClientError("invalid", f"{name} must be a list of plain values.")
    return entry
