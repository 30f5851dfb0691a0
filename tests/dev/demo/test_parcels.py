"""The demo's days come in whole visits, evenly paced, and the same however often they are made."""

from datetime import date, datetime, timedelta
from itertools import pairwise

from dev.demo.companies import ACME, DESK, GLOBEX, companies, opening_roster
from dev.demo.parcels import delivery

DAY = date(2026, 3, 18)


def test_acme_is_large_and_globex_small() -> None:
    acme, globex = companies(0)
    assert (acme.tenant_id, globex.tenant_id) == (ACME, GLOBEX)
    assert (len(acme.people), len(acme.sites)) == (120, 12)
    assert len({site.city.zone for site in acme.sites.values()}) >= 5


def test_a_day_made_again_is_the_same_day() -> None:
    acme, _ = companies(0)
    assert delivery(acme, DAY) == delivery(companies(0)[0], DAY)


def test_another_edition_has_other_people_and_other_punches_at_the_same_sites() -> None:
    first, second = companies(0)[0], companies(1)[0]
    assert first.sites == second.sites

    def ids(edition: int) -> set[str]:
        return {
            punch["punch_id"]
            for parcel in delivery(companies(edition)[0], DAY).parcels
            for punch in parcel.punches
        }

    assert ids(0).isdisjoint(ids(1))


def test_nothing_is_handed_in_before_it_happened() -> None:
    for parcel in delivery(companies(0)[0], DAY).parcels:
        assert all(
            datetime.fromisoformat(punch["occurred_at"]) < parcel.release
            for punch in parcel.punches
        )


def test_parcels_of_a_day_fill_twenty_four_hours_without_a_hole() -> None:
    releases = [parcel.release for parcel in delivery(companies(0)[0], DAY).parcels]
    assert max(releases) - min(releases) < timedelta(days=1)
    assert max(later - earlier for earlier, later in pairwise(releases)) < timedelta(hours=1)


def test_only_the_desks_keep_the_half_hour_after_which_a_shift_is_a_no_show() -> None:
    roster = opening_roster(companies(0)[0])
    assert roster["tenant"]["policy"]["no_show_after_minutes"] > 60 * 24 * 30
    assert {site["site_id"] for site in roster["sites"] if site.get("policy")} >= {DESK}
