"""What a changed roster has the judge look at again, of the old values and the new."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from models.intake import sync_roster
from tests.models.intake.stored import Content, changes, forget

SHIFT = {
    "shift_id": "s-1",
    "person_id": 7,
    "site_id": 15,
    "starts_at": "2026-03-02T08:00:00Z",
    "ends_at": "2026-03-02T16:00:00Z",
}
BASE: Content = {
    "tenant": {"tenant_id": 1},
    "people": [{"person_id": 7, "name": "Ada"}, {"person_id": 8, "name": "Bob"}],
    "devices": [{"device_id": "k", "shared": True}],
    "assignments": [{"person_id": 7, "site_id": 15}, {"person_id": 8, "site_id": 15}],
    "shifts": [SHIFT | {"substitutes": [9]}],
}


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"people": [{"person_id": 7, "name": "Eda"}]}, {("person", "7"), ("named", "7")}),
        ({"people": [{"person_id": 9, "name": "Cyd"}]}, {("person", "9"), ("named", "9")}),
        ({"people": [{"person_id": 7, "deleted": True}]}, {("person", "7"), ("named", "7")}),
        (
            {"people": [{"person_id": 7, "deleted": True}, {"person_id": 8, "deleted": True}]},
            {("person", "7"), ("named", "7"), ("person", "8"), ("named", "8"), ("tenant", "")},
        ),
        ({"people": [{"person_id": 99, "deleted": True}]}, set()),
        ({"sites": [{"site_id": 15, "name": "Other"}]}, {("site", "15")}),
        ({"sites": [{"site_id": 15, "radius_m": 10}]}, {("site", "15")}),
        ({"sites": [{"site_id": 15, "policy": {"grace_minutes": 1}}]}, {("site", "15")}),
        ({"devices": [{"device_id": "k", "shared": False}]}, {("device", "k")}),
        ({"assignments": [{"person_id": 7, "site_id": 16}]}, {("person", "7")}),
        (
            {"assignments": [{"person_id": 7, "site_id": 15, "valid_to": "2026-03-01"}]},
            {("person", "7")},
        ),
        ({"shifts": [SHIFT | {"shift_id": "s-2"}]}, {("shift", "s-2")}),
        (
            {"shifts": [{"shift_id": "s-1", "site_id": 16, "person_id": 8}]},
            {("shift", "s-1"), ("site", "15"), ("person", "7"), ("person", "9")},
        ),
        (
            {"shifts": [{"shift_id": "s-1", "cancelled": True}]},
            {("shift", "s-1"), ("site", "15"), ("person", "7"), ("person", "9")},
        ),
        ({"tenant": {"tenant_id": 1, "roster_complete": False}}, {("tenant", "")}),
        ({"tenant": {"tenant_id": 1, "policy": {"grace_minutes": 1}}}, {("tenant", "")}),
        ({"tenant": {"tenant_id": 1, "name": "Acme Inc."}}, set()),
        (
            {
                "tenant": {"tenant_id": 1, "deleted": True},
                "devices": [{"device_id": "k", "deleted": True}],
            },
            {("tenant", ""), ("device", "k")},
        ),
    ],
)
def test_what_is_judged_again(
    engine: Engine, sections: Content, expected: set[tuple[str, str]]
) -> None:
    sync_roster(engine, BASE)
    forget(engine)
    outcome = sync_roster(engine, {"tenant": {"tenant_id": 1}, **sections})
    assert not outcome.refused
    assert outcome.changed_keys == expected
    assert changes(engine) == {(1, kind, key) for kind, key in expected}


def test_a_shift_moved_far_ahead_leaves_nothing_behind(engine: Engine) -> None:
    start = datetime.now(UTC) + timedelta(days=30)
    shift = {
        "shift_id": "s-1",
        "person_id": 7,
        "site_id": 15,
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(1)).isoformat(),
    }
    sync_roster(engine, {"tenant": {"tenant_id": 1}, "shifts": [shift]})
    assert sync_roster(
        engine, {"tenant": {"tenant_id": 1}, "shifts": [shift | {"site_id": 16}]}
    ).changed_keys == {("shift", "s-1")}


def test_the_first_person_and_the_first_assignment_concern_the_whole_tenant(engine: Engine) -> None:
    for sections in ({"people": BASE["people"]}, {"assignments": BASE["assignments"]}):
        assert ("tenant", "") in sync_roster(
            engine, {"tenant": {"tenant_id": 1}, **sections}
        ).changed_keys
