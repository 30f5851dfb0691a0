"""Rooms: who hears what, by name."""

from models.ids import Id, StringId
from models.rooms import rooms_of_message, rooms_of_viewer, site_room, tenant_room


def test_a_message_of_a_site_goes_to_viewers_of_all_sites_and_of_that_one() -> None:
    assert rooms_of_message(1, 15) == ["noc_tenant_1", "noc_site_1_15"]


def test_a_message_without_a_site_goes_to_viewers_of_all_sites_only() -> None:
    assert rooms_of_message(1, None) == ["noc_tenant_1"]


def test_a_viewer_of_some_sites_is_in_the_room_of_each_and_not_in_the_tenants() -> None:
    assert rooms_of_viewer(1, [15, 16]) == ["noc_site_1_15", "noc_site_1_16"]
    assert rooms_of_viewer(1, None) == ["noc_tenant_1"]
    assert rooms_of_viewer(1, []) == []


def test_two_tenants_sites_of_the_same_number_are_two_rooms() -> None:
    assert not set(rooms_of_message(1, 15)) & set(rooms_of_message(11, 5))
    assert not set(rooms_of_message(1, 15)) & set(rooms_of_message(2, 15))


def test_no_string_forges_another_room() -> None:
    ids: list[Id] = [1, 15, 1_15]
    ids += map(StringId, ["1", "15", "1_15", '1"', '1"_15', '"', "_", "%5F", "%22", "a b", "😀"])
    rooms = [tenant_room(tenant_id) for tenant_id in ids]
    rooms += [site_room(tenant_id, site_id) for tenant_id in ids for site_id in ids]
    assert len(set(rooms)) == len(rooms)
    assert site_room(StringId("a_b"), StringId('x "1"')) == 'noc_site_"a%5Fb"_"x%20%221%22"'
    assert all(room.count("_") == (3 if room.startswith("noc_site") else 2) for room in rooms)
