"""What is refused is kept with its reasons, counted, resubmitted, and taken up again by itself."""

import json
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from models.intake import Submitter, resubmit, submit, sync_roster, void
from models.intake.refused.rejection import unreadable
from tests.models.intake.stored import a_punch, codes, forget, pending, punches, rejected

ACME = {"tenant_id": 1}


def waiting(engine: Engine) -> list[str | None]:
    """Return what each open rejection waits for."""
    return [row["waits_for"] for row in rejected(engine) if row["resubmitted_at"] is None]


def test_a_refused_punch_is_kept_under_its_tenant_where_one_can_be_read(engine: Engine) -> None:
    unreadable_tenants = [
        a_punch(tenant_id=None),
        a_punch(tenant_id=1.0),
        a_punch(tenant_id=True),
        5,
        None,
    ]
    submit(engine, [a_punch(kind="x"), *unreadable_tenants])
    kept = rejected(engine)
    assert [json.loads(row["content"]) for row in kept if row["tenant_id"] == 1] == [
        a_punch(kind="x")
    ]
    under_none = [json.loads(row["content"]) for row in kept if row["tenant_id"] == 0]
    assert len(under_none) == 5
    assert all(content in under_none for content in unreadable_tenants)
    assert {row["door"] for row in kept} == {"attendance.submit"}
    assert all(why.keys() == {"code", "field", "message"} for row in kept for why in row["reasons"])


FIELDS = [
    "punch_id",
    "person_name",
    "device_id",
    "kind",
    "occurred_at",
    "unknown",
    "tenant_id",
    "un\0known",
    "\ud800",
]


def test_text_that_postgres_refuses_breaks_nothing(engine: Engine) -> None:
    bad = [
        a_punch() | {field: text} for field in FIELDS for text in ("a\0b", "a\ud800b", "\udfff\0")
    ]
    outcomes = submit(engine, [*bad, a_punch(punch_id="sound")])
    assert [outcome.status for outcome in outcomes] == ["rejected"] * len(bad) + ["accepted"]
    assert all(outcome.reasons for outcome in outcomes[:-1])
    kept = [json.loads(row["content"]) for row in rejected(engine)]
    assert len(kept) == len(bad)
    assert all(content in kept for content in bad)


def test_content_that_is_not_even_json_breaks_nothing(engine: Engine) -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    assert (
        submit(engine, [a_punch(note=nested), a_punch(punch_id="sound"), {5: 1, "a": 2}])[1].status
        == "accepted"
    )
    assert len(rejected(engine)) == 2


def test_the_same_refused_content_is_counted_not_repeated(engine: Engine) -> None:
    bad, homeless = a_punch(kind="x"), a_punch(punch_id="p-2", site_id=99)
    submit(engine, [bad, bad, homeless])
    submit(engine, [homeless | {"sent_at": "2026-03-02T10:00:00Z"}, bad])
    assert sorted((row["punch_id"], row["times"]) for row in rejected(engine)) == [
        ("p-1", 3),
        ("p-2", 2),
    ]


def test_a_mended_punch_settles_its_rejection(engine: Engine) -> None:
    submit(engine, [a_punch(kind="x")])
    submit(engine, [a_punch()])
    assert waiting(engine) == []


def test_a_punch_settles_no_rejected_void_of_it(engine: Engine) -> None:
    void(engine, 1, "p-1", None)
    submit(engine, [a_punch()])
    assert waiting(engine) == [None]


def test_a_redelivered_old_content_settles_no_rejected_correction(engine: Engine) -> None:
    submit(engine, [a_punch()])
    submit(engine, [a_punch(kind="x")])
    submit(engine, [a_punch()])
    assert waiting(engine) == [None]


def test_what_waits_for_its_site_is_settled_by_no_other_content(engine: Engine) -> None:
    submit(engine, [a_punch(site_id=99, sent_at="2026-03-02T10:00:00Z")])
    submit(engine, [a_punch(sent_at="2026-03-02T09:00:00Z")])
    assert waiting(engine) == ["site"]
    sync_roster(
        engine, {"tenant": ACME, "sites": [{"site_id": 99, "name": "New", "timezone": "UTC"}]}
    )
    assert [punch["site_id"] for punch in punches(engine)] == [99]
    assert waiting(engine) == []


def test_a_punch_is_judged_by_itself_once_its_site_comes(engine: Engine) -> None:
    submit(engine, [a_punch(punch_id="p-1", site_id=99)], backfill=True)
    submit(
        engine,
        [
            a_punch(punch_id="p-2", site_id=99),
            a_punch(punch_id="p-3", site_id=98),
            a_punch(punch_id="g", tenant_id=2, site_id=99),
        ],
    )
    forget(engine)
    sync_roster(
        engine, {"tenant": ACME, "sites": [{"site_id": 99, "name": "New", "timezone": "UTC"}]}
    )
    assert [(punch["punch_id"], punch["backfill"]) for punch in punches(engine)] == [
        ("p-1", True),
        ("p-2", False),
    ]
    assert pending(engine) == [("p-2", 7, 99), ("p-1", 7, 99)]
    assert waiting(engine) == ["site", "site"]


def test_many_that_wait_are_taken_up_by_pages(engine: Engine) -> None:
    submit(engine, [a_punch(punch_id=f"p-{number}", site_id=99) for number in range(2_500)])
    sync_roster(
        engine, {"tenant": ACME, "sites": [{"site_id": 99, "name": "New", "timezone": "UTC"}]}
    )
    assert len(punches(engine)) == 2_500
    assert waiting(engine) == []


def test_all_that_waits_for_a_tenant_is_taken_up_once_it_comes(bare_engine: Engine) -> None:
    site = {"site_id": 15, "name": "Office", "timezone": "UTC"}
    submit(bare_engine, [a_punch(), a_punch(punch_id="p-2"), a_punch(punch_id="p-3", site_id=16)])
    void(bare_engine, 1, "p-2", "entered twice")
    outcome = sync_roster(bare_engine, {"tenant": ACME, "sites": [site]})
    assert codes(outcome.refused[0].reasons) == [("missing", "tenant.name")]
    assert waiting(bare_engine) == ["tenant"] * 5
    sync_roster(bare_engine, {"tenant": {"tenant_id": 1, "name": "Acme"}})
    assert [(punch["punch_id"], punch["voided_at"] is None) for punch in punches(bare_engine)] == [
        ("p-1", True),
        ("p-2", False),
    ]
    assert waiting(bare_engine) == ["site"]
    assert {row["times"] for row in rejected(bare_engine)} == {1}


def test_resubmitting_mended_content(engine: Engine) -> None:
    submit(engine, [a_punch(kind="x")])
    [row] = rejected(engine)
    again = resubmit(engine, 1, row["rejected_id"])
    assert (again.status, codes(again.reasons)) == ("rejected", [("unknown_value", "kind")])
    assert resubmit(engine, 1, row["rejected_id"], a_punch(site_id=99)).status == "rejected"
    assert (waiting(engine), len(rejected(engine))) == ([None], 1)
    assert resubmit(engine, 1, row["rejected_id"], a_punch()).status == "accepted"
    assert waiting(engine) == []
    assert pending(engine) == [("p-1", 7, 15)]


def test_resubmitting_reaches_no_other_tenant(engine: Engine) -> None:
    submit(engine, [a_punch(kind="x")])
    [row] = rejected(engine)
    with pytest.raises(LookupError):
        resubmit(engine, 2, row["rejected_id"], a_punch(tenant_id=2))
    with pytest.raises(LookupError):
        resubmit(engine, 1, uuid4())
    for content in [
        a_punch(tenant_id=2),
        {"punches": [a_punch(tenant_id=2)]},
        {"tenant": {"tenant_id": 2, "name": "Mine"}},
    ]:
        assert codes(resubmit(engine, 1, row["rejected_id"], content).reasons) == [
            ("other_tenant", "tenant_id")
        ]
    assert not punches(engine)


def test_a_refused_call_can_be_resubmitted_in_one_piece(engine: Engine) -> None:
    submit(
        engine,
        [a_punch(punch_id=f"p-{number}") for number in range(10_001)],
        by=Submitter("attendance.submit_batch"),
    )
    [row] = rejected(engine)
    assert resubmit(engine, 1, row["rejected_id"]).status == "rejected"
    mended = {"punches": [a_punch(), a_punch(punch_id="p-2", kind="x")], "backfill": True}
    assert resubmit(engine, 1, row["rejected_id"], mended).status == "accepted"
    assert [punch["backfill"] for punch in punches(engine)] == [True]
    assert waiting(engine) == [None]


def test_a_refused_roster_row_can_be_resubmitted_alone(engine: Engine) -> None:
    sync_roster(engine, {"tenant": ACME, "people": [{"person_id": 7, "name": 5}]})
    [row] = rejected(engine)
    mended = json.loads(row["content"]) | {"people": [{"person_id": 7, "name": "Ada"}]}
    assert resubmit(engine, 1, row["rejected_id"], mended).status == "accepted"
    assert waiting(engine) == []


def test_a_punch_that_killed_its_worker_can_be_judged_once_more(engine: Engine) -> None:
    submit(engine, [a_punch()])
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE punch SET voided_at = now(), void_reason = 'kills_worker'"
        )
        connection.exec_driver_sql(
            """
            INSERT INTO rejected (
                tenant_id, rejected_id, door, punch_id, content, content_hash, reasons, received_at
            ) VALUES (
                1, gen_random_uuid(), 'attendance.submit', 'p-1', %s, 'x',
                '[{"code": "kills_worker", "field": "", "message": "-"}]', now()
            )
            """,
            (unreadable(a_punch(), []).content,),
        )
    forget(engine)
    assert resubmit(engine, 1, rejected(engine)[0]["rejected_id"]).status == "accepted"
    assert punches(engine)[0]["voided_at"] is None
    assert pending(engine) == [("p-1", 7, 15)]
    assert waiting(engine) == []


def test_a_punch_that_is_in_leaves_no_rejection_of_the_same_content_open(engine: Engine) -> None:
    """A worker rejected it and died, and another stored the punch: redelivery settles it."""
    submit(engine, [a_punch(site_id=99)])
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO site_version (tenant_id, site_id, since, until, name, policy)"
            " VALUES (1, 99, '-infinity', 'infinity', 'New', '{}')"
        )
        connection.exec_driver_sql("UPDATE rejected SET resubmitted_at = now()")
    submit(engine, [a_punch(site_id=99)])
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE rejected SET resubmitted_at = NULL")
    submit(engine, [a_punch(site_id=99)])
    assert waiting(engine) == []
    assert len(punches(engine)) == 1


def test_an_older_content_is_told_that_it_does_not_apply(engine: Engine) -> None:
    late, early = "2026-03-02T10:00:00Z", "2026-03-02T09:00:00Z"
    first, second, bad = submit(
        engine,
        [a_punch(sent_at=late), a_punch(note=1, sent_at=early), a_punch(punch_id="p-2", kind="x")],
    )
    outcomes = (first, second, bad)
    assert [(outcome.status, outcome.applied, outcome.became) for outcome in outcomes] == [
        ("accepted", True, "accepted"),
        ("accepted", False, "lost"),
        ("rejected", False, "rejected"),
    ]
    [again] = submit(engine, [a_punch(sent_at=late)])
    assert again.applied
    [again] = submit(engine, [a_punch(note=1, sent_at=early)])
    assert not again.applied


def test_what_is_live_is_taken_up_before_a_backfill(engine: Engine) -> None:
    submit(engine, [a_punch(punch_id="old", site_id=99)], backfill=True)
    submit(engine, [a_punch(punch_id="live", site_id=99)])
    sync_roster(
        engine,
        {"tenant": ACME, "sites": [{"site_id": 99, "name": "New", "timezone": "Europe/Berlin"}]},
    )
    assert [punch_id for punch_id, *_ in pending(engine)] == ["live", "old"]
    assert waiting(engine) == []


def test_of_one_punch_the_last_content_to_come_stands_though_it_is_a_backfill(
    engine: Engine,
) -> None:
    submit(engine, [a_punch(punch_id="p", site_id=99)])
    submit(engine, [a_punch(punch_id="p", site_id=99, person_id=8)], backfill=True)
    sync_roster(
        engine,
        {"tenant": ACME, "sites": [{"site_id": 99, "name": "New", "timezone": "Europe/Berlin"}]},
    )
    assert [row["person_id"] for row in punches(engine)] == [8]
