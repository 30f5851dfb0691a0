"""Rooms: who hears a message. No other file of the product spells one."""

from collections.abc import Iterable

from models.ids import Id, spelled


def tenant_room(tenant_id: Id) -> str:
    """The room of viewers who may see every site of the tenant."""
    return f"noc_tenant_{spelled(tenant_id)}"


def site_room(tenant_id: Id, site_id: Id) -> str:
    return f"noc_site_{spelled(tenant_id)}_{spelled(site_id)}"


def rooms_of_message(tenant_id: Id, site_id: Id | None) -> list[str]:
    """Return the rooms a message goes to: without a site, only that of viewers of all sites."""
    if site_id is None:
        return [tenant_room(tenant_id)]
    return [tenant_room(tenant_id), site_room(tenant_id, site_id)]


def rooms_of_viewer(tenant_id: Id, sites: Iterable[Id] | None) -> list[str]:
    """Return the rooms a viewer is in; `sites` is None for one who hears them all."""
    if sites is None:
        return [tenant_room(tenant_id)]
    return [site_room(tenant_id, site_id) for site_id in sites]
