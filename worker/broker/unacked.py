"""The notes on Redis of messages that a worker has not acknowledged yet.

By them the messages are handed on if it dies. kombu writes the same notes, twice a task, but makes
a client and a pipeline for each time, which costs several times what is sent.
"""

from time import time
from typing import Any

from kombu.transport import redis
from kombu.transport.virtual import QoS
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisSilent

from worker.broker.message_json import dumps


class UnackedMessages(redis.QoS):
    """Writes both notes of a message in one transaction, and strikes both in one."""

    def append(self, message: Any, delivery_tag: str) -> None:
        info = message.delivery_info
        note = dumps([message._raw, info["exchange"], info["routing_key"]])
        self._run(
            ("ZADD", self.unacked_index_key, time(), delivery_tag),
            ("HSET", self.unacked_key, delivery_tag, note),
        )
        QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        self._run(
            ("ZREM", self.unacked_index_key, delivery_tag), ("HDEL", self.unacked_key, delivery_tag)
        )
        QoS.ack(self, delivery_tag)

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
