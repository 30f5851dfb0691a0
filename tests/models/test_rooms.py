"""Rooms: who hears what, by name."""

from models.rooms import rooms_of_message, rooms_of_viewer


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
