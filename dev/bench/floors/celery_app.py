"""The floors under the pipeline: Celery as it comes, with the settings of our workers, and two
tasks that do next to nothing.

    celery -A dev.bench.floors.celery_app worker ...
"""

import functools
import os

import psycopg
import redis
from celery import Celery

from dev.bench.floors.fanout import CHANNEL
from models.settings import load_settings
from worker.broker.configuration import configuration

TABLE = """
CREATE TABLE IF NOT EXISTS floor_commit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    note text NOT NULL
)
"""
INSERT = "INSERT INTO floor_commit (note) VALUES (%s)"

OURS = ("include", "worker_consumer", "beat_schedule")  # names our code

app = Celery("floor")
app.conf.update(
    {name: value for name, value in configuration(load_settings()).items() if name not in OURS}
)


@app.task(name="bench.nothing")  # type: ignore[untyped-decorator]  # Celery has no types
def nothing() -> None:
    """Do nothing: what is measured is what any Celery task costs."""


@app.task(name="bench.chain")  # type: ignore[untyped-decorator]
def chain(packets: list[str]) -> None:
    """Do the least that can stand between a task and a client: two plain commits, and a publish of
    each packet.
    """
    connection = _connection()
    for note in ("stored", "judged"):
        with connection.transaction():
            connection.execute(INSERT, [note])
    pipeline = _redis().pipeline(transaction=False)
    for packet in packets:
        pipeline.publish(CHANNEL, packet)
    pipeline.execute()


@functools.cache
def _connection() -> psycopg.Connection:
    connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    # CREATE TABLE IF NOT EXISTS twice at once may still fail
    connection.execute("SELECT pg_advisory_lock(1)")
    connection.execute(TABLE)
    connection.execute("SELECT pg_advisory_unlock(1)")
    return connection


@functools.cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(os.environ["REDIS_URL"])
