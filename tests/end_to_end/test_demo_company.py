"""The demo as `make run` has it is loaded, streamed to a real worker, ended and taken up again."""

import psycopg

from tests.end_to_end.harness import Running, Stage
from tests.end_to_end.waiting import wait_until

ALL_NINE = 9
TYPES = "SELECT count(DISTINCT anomaly_type) FROM anomaly WHERE tenant_id = 1 AND NOT backfill"
STREAMED = "SELECT count(*) FROM punch WHERE NOT backfill"


def figure(stage: Stage, sql: str) -> int:
    with psycopg.connect(stage.environ["DATABASE_URL"]) as connection:
        row = connection.execute(sql).fetchone()
    assert row is not None
    return int(row[0])


def load(stage: Stage) -> None:
    loading = stage.start("load", "python -m dev.demo load")
    wait_until(lambda: loading.status is not None, "the demo is loaded")
    assert loading.status == 0, loading.log_end()


def stream(stage: Stage) -> Running:
    """Start the stream, with a simulated day in 24 seconds."""
    return stage.start("stream", "python -m dev.demo stream", DEMO_SPEED="3600")


def test_every_type_occurs_within_some_days_nothing_is_early_and_a_second_run_goes_on(
    stage: Stage,
) -> None:
    stage.worker(concurrency=2)
    stage.beat()
    load(stage)
    first = stream(stage)
    wait_until(
        lambda: figure(stage, TYPES) == ALL_NINE, "each of the nine types was found", seconds=240
    )
    assert first.stop() == 0
    raised_only_what_has_happened(stage)
    streamed = figure(stage, STREAMED)
    load(stage)
    second = stream(stage)
    a_day_or_two = max(streamed + 200, 400)
    wait_until(lambda: figure(stage, STREAMED) > a_day_or_two, "it goes on", seconds=240)
    assert second.stop() == 0
    raised_only_what_has_happened(stage)
    assert figure(stage, "SELECT count(*) FROM rejected") == 0
    assert figure(stage, "SELECT count(*) FROM anomaly WHERE tenant_id = 2 AND NOT backfill") > 0


def raised_only_what_has_happened(stage: Stage) -> None:
    """Check that nothing stands that waits for the real moment, far from the simulated one."""
    waited_for = (
        "reason IN ('no_show', 'still_working') AND NOT (tenant_id = 1 AND site_id IN (11, 12))"
    )
    assert figure(stage, f"SELECT count(*) FROM anomaly WHERE {waited_for}") == 0
    percent_dishonest = """
        SELECT count(DISTINCT punch_id) * 100 / (SELECT count(*) FROM punch)
        FROM anomaly WHERE standing
    """
    assert figure(stage, percent_dishonest) < 40


def test_loading_twice_changes_nothing(stage: Stage) -> None:
    everything = """
        SELECT (SELECT count(*) FROM punch)
            + (SELECT count(*) FROM shift)
            + (SELECT count(*) FROM person)
    """
    load(stage)
    before = figure(stage, everything)
    load(stage)
    assert figure(stage, everything) == before


def test_a_nonsensical_speed_is_said_clearly(stage: Stage) -> None:
    refused = stage.start("stream", "python -m dev.demo stream", DEMO_SPEED="fast")
    wait_until(lambda: refused.status is not None, "it ended")
    assert refused.status == 1
    assert "DEMO_SPEED: 'fast' is no speed" in refused.log_end()
