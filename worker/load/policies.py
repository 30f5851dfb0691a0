"""The tenant's policies through time, each composed only where a judgement asks for it.

A large tenant has thousands: one for every site at every moment since when something else held.
What is asked of all of them together is worked out key by key from what was sent, of which there is
far less, and kept as long as that stays.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

from models.ids import Id, StringId, number_of
from models.policy import KEYS, Policy, merged
from worker.load.versions import moment
from worker.rules.past import Laid, Past

NO_KEYS = "{}"
_TENANTS_KEPT = 32
_COMPOSED_KEPT = 4096


class Policies:
    """What the tenant and its sites set through time, each policy as JSON."""

    def __init__(self, tenant: Past[str], sites: Mapping[Id, Past[str]]) -> None:
        self._tenant = tenant
        self._sites = sites
        self._values: dict[tuple[str, ...], frozenset[tuple[Any, ...]]] = {}

    @cached_property
    def only(self) -> Policy | None:
        """The policy of all sites at all times, where there is but one."""
        own = {text for _, text in self._tenant.versions()}
        is_only = len(own) == 1 and self._sites_own in ([], [{}])
        return _composed(*own, NO_KEYS) if is_only else None

    @cached_property
    def of_tenant(self) -> Laid[Policy]:
        """The policy of sites that have none of their own."""
        return Past(NO_KEYS).over(self._tenant, _composed)

    @cached_property
    def of_sites(self) -> dict[Id, Laid[Policy]]:
        """The policies of sites, by site_id; of the other sites the tenant's holds."""
        return {site_id: own.over(self._tenant, _composed) for site_id, own in self._sites.items()}

    def values(self, key: str) -> Iterator[Any]:
        """Yield every distinct value that a key has, had or will have somewhere."""
        return (value for (value,) in self.together(key))

    def together(self, *keys: str) -> frozenset[tuple[Any, ...]]:
        """Return every distinct set of values that these keys have, had or will have somewhere.

        Where it is several keys, also what a site and its tenant set at different times.
        """
        if keys not in self._values:
            defaults = tuple(KEYS[key].default for key in keys)
            below = {_laid(row, defaults) for row in _set(keys, self._tenants_own)}
            above = _set(keys, self._sites_own)
            self._values[keys] = frozenset(below.union(_laid(r, b) for r in above for b in below))
        return self._values[keys]

    @cached_property
    def _tenants_own(self) -> list[dict[str, Any]]:
        return _distinct([self._tenant])

    @cached_property
    def _sites_own(self) -> list[dict[str, Any]]:
        return _distinct(self._sites.values())


@lru_cache(_TENANTS_KEPT)
def stored_policies(
    tenant_versions: str, site_versions: str, strings: tuple[StringId, ...] = ()
) -> Policies:
    """Return the policies as the database holds them, as JSON: since, until and policy, and before
    them the sites' site_id, or the number of one of `strings`.
    """
    ids = {number_of(site_id): site_id for site_id in strings}
    of_site: dict[Id, list[Sequence[Any]]] = {}
    for site_id, *version in json.loads(site_versions):
        of_site.setdefault(ids.get(site_id, site_id), []).append(version)
    return Policies(
        _past(json.loads(tenant_versions)),
        {site_id: _past(versions) for site_id, versions in of_site.items()},
    )


def given_policies(policies: Mapping[str, Any]) -> Policies:
    """Return policies that are to be tried, the tenant's and the sites', as if they always held."""
    sites = policies.get("sites", {}).items()
    return Policies(
        Past(_json(policies.get("policy", {}))),
        {
            site_id if isinstance(site_id, StringId) else int(site_id): Past(_json(policy))
            for site_id, policy in sites
        },
    )


def _past(versions: Iterable[Sequence[Any]]) -> Past[str]:
    return Past.of_spans(
        ((moment(since), moment(until), _json(policy)) for since, until, policy in versions),
        NO_KEYS,
    )


def _json(policy: Mapping[str, Any]) -> str:
    return json.dumps(policy, sort_keys=True)


def _distinct(pasts: Iterable[Past[str]]) -> list[dict[str, Any]]:
    return [json.loads(text) for text in {text for past in pasts for _, text in past.versions()}]


def _set(keys: Sequence[str], policies: Iterable[Mapping[str, Any]]) -> set[tuple[Any, ...]]:
    """Return the distinct sets of values of these keys, None where a policy leaves one out."""
    return {tuple(policy.get(key) for key in keys) for policy in policies}


def _laid(above: Sequence[Any], below: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(b if a is None else a for a, b in zip(above, below, strict=True))


# What a judgement asks for is little, so that it costs little where other tenants' took its place.
@lru_cache(_COMPOSED_KEPT)
def _composed(tenant_json: str, site_json: str) -> Policy:
    return merged(json.loads(tenant_json), json.loads(site_json))
