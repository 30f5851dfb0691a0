"""What a worker takes of a producer's headers."""

from uuid import UUID

from worker.broker.request import _headers_in


def test_a_task_keeps_its_id_be_it_a_uuid() -> None:
    assert _headers_in({"task": "attendance.submit", "id": UUID(int=7)})["id"] == str(UUID(int=7))
    assert _headers_in({"task": "attendance.submit", "id": "x"})["id"] == "x"


def test_a_task_keeps_who_its_producer_says_it_is_where_that_is_text() -> None:
    assert _headers_in({"task": "attendance.submit", "origin": "gen7@payroll"})["origin"] == "gen7@payroll"
    assert "origin" not in _headers_in({"task": "attendance.submit", "origin": {"nested": []}})
