"""The headers of a producer that a worker keeps."""

from uuid import UUID

from worker.broker.headers import headers_in


def test_a_task_keeps_its_id_be_it_a_uuid() -> None:
    assert headers_in({"task": "attendance.submit", "id": UUID(int=7)})["id"] == str(UUID(int=7))
    assert headers_in({"task": "attendance.submit", "id": "x"})["id"] == "x"


def test_a_task_keeps_who_its_producer_says_it_is_where_that_is_text() -> None:
    named = {"task": "attendance.submit", "origin": "gen7@payroll"}
    assert headers_in(named)["origin"] == "gen7@payroll"
    assert "origin" not in headers_in({"task": "attendance.submit", "origin": {"nested": []}})
