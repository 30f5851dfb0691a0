"""Rooms: who hears a message. No other file of the product spells one."""

from collections.abc import Iterable


def tenant_room(tenant_id: int) -> str:
    """The room of viewers who may see every site of the tenant."""
    return f"noc_tenant_{tenant_id}"


def site_room(tenant_id: int, site_id: int) -> str:
    return f"noc_site_{tenant_id}_{site_id}"


def rooms_of_message(tenant_id: int, site_id: int | None) -> list[str]:
    """Return the rooms a message goes to: without a site, only that of viewers of all sites."""
    if site_id is None:
        return [tenant_room(tenant_id)]
    return [tenant_room(tenant_id), site_room(tenant_id, site_id)]


def rooms_of_viewer(tenant_id: int, sites: Iterable[int] | None) -> list[str]:
    """Return the rooms a viewer is in; `sites` is None for one who hears them all."""
    if sites is None:
        return [tenant_room(tenant_id)]
    return [site_room(tenant_id, site_id) for site_id in sites]
