"""Each test has an empty database and an empty Redis of its own."""

import psycopg
import redis


def test_a_database_is_migrated_and_empty(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM tenant").fetchone() == (0,)
        connection.execute("INSERT INTO tenant (tenant_id, name, epoch) VALUES (1, 'acme', 'e')")


def test_what_another_test_wrote_is_not_there(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM tenant").fetchone() == (0,)


def test_redis_is_empty_and_asks_for_no_more_than_its_address(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_redis_was_flushed(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.get("left") is None
