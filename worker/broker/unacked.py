"""The notes on Redis of messages that a worker has not acknowledged yet.

By them the messages are handed on if it dies. They are written as the messages are taken
(worker/broker/taking.py). kombu strikes them too, but makes a client and a pipeline for each time,
which costs several times what is sent.
"""

from time import time
from typing import Any

import structlog
from kombu.transport import redis
from kombu.transport.virtual import QoS
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisSilent

from worker.broker.message_json import dumps, loads
from worker.broker.unexpected import MESSAGE_DROPPED

log = structlog.get_logger(__name__)


class UnackedMessages(redis.QoS):
    """Writes both notes of a message in one transaction, and strikes both in one.

    `noted_tag` is of the message that is being delivered: it has its notes since it was taken.
    """

    noted_tag: str | None = None

    def append(self, message: Any, delivery_tag: str) -> None:
        info = message.delivery_info
        exchange, routing_key = info["exchange"], info["routing_key"]
        if delivery_tag == self.noted_tag:
            self.noted_tag = None
        else:
            note = dumps([message._raw, exchange, routing_key])
            self._run(
                ("ZADD", self.unacked_index_key, time(), delivery_tag),
                ("HSET", self.unacked_key, delivery_tag, note),
            )
        QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        self.strike(delivery_tag)
        QoS.ack(self, delivery_tag)

    def strike(self, delivery_tag: str) -> None:
        """Strike both notes of the message."""
        self._run(
            ("ZREM", self.unacked_index_key, delivery_tag), ("HDEL", self.unacked_key, delivery_tag)
        )

    def restore_visible(self, *arguments: Any, **options: Any) -> None:
        """Hand on what others hold for too long. kombu calls this every second."""
        self.channel.look_again()
        super().restore_visible(*arguments, **options)  # type: ignore[no-untyped-call]  # kombu's

    def restore_by_tag(self, tag: Any, *arguments: Any, **options: Any) -> None:
        """Hand on a message, or drop it if it is none: the note of one is written unread."""
        try:
            super().restore_by_tag(tag, *arguments, **options)  # type: ignore[no-untyped-call]
        except (RecursionError, ValueError) as error:
            if self._is_readable(tag):
                raise
            log.error(MESSAGE_DROPPED, exc_info=error)
            self.strike(tag)

    def _is_readable(self, tag: Any) -> bool:
        with self.channel.conn_or_acquire() as client:
            note: Any = client.hget(self.unacked_key, tag)
        try:
            parts: Any = loads(note or "[]")
            _envelope, _exchange, _routing_key = parts
        except (RecursionError, ValueError):
            return False
        return True

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if requeue:
            super().reject(delivery_tag, requeue=True)  # type: ignore[no-untyped-call]  # kombu's
        else:
            self.ack(delivery_tag)

    def _run(self, *commands: tuple[Any, ...]) -> None:
        """Run the commands in one transaction. They may be run twice, which changes nothing."""
        try:
            self._run_once(commands)
        except (RedisAway, RedisSilent):  # or only this one connection is broken
            self._run_once(commands)

    def _run_once(self, commands: tuple[tuple[Any, ...], ...]) -> None:
        pool = self.channel.pool
        connection = pool.get_connection()  # opened, to the master that a Sentinel names
        try:
            connection.send_packed_command(
                connection.pack_commands([("MULTI",), *commands, ("EXEC",)])
            )
            *_, answers = [connection.read_response() for _ in range(len(commands) + 2)]
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
        except BaseException:
            connection.disconnect()  # answers may be left in it
            raise
        finally:
            pool.release(connection)
