"""What a worker notes on Redis of the messages it holds, so that they are handed on if it dies.

kombu does the same twice a task, and makes a client and a pipeline for each, which costs several
times what is sent.
"""

from time import time
from typing import Any

from kombu.transport import redis
from kombu.transport.virtual import QoS
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisSilent

from worker.broker.message_json import dumps


class HeldMessages(redis.QoS):
    """Both notes of a message are taken, or struck, in one transaction."""

    def append(self, message: Any, delivery_tag: str) -> None:
        info = message.delivery_info
        held = dumps([message._raw, info["exchange"], info["routing_key"]])
        self._note(
            ("ZADD", self.unacked_index_key, time(), delivery_tag),
            ("HSET", self.unacked_key, delivery_tag, held),
        )
        QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        self._note(
            ("ZREM", self.unacked_index_key, delivery_tag), ("HDEL", self.unacked_key, delivery_tag)
        )
        QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if requeue:
            super().reject(delivery_tag, requeue=True)
        else:
            self.ack(delivery_tag)

    def _note(self, *commands: tuple[Any, ...]) -> None:
        try:
            self._say(commands)
        # or only this connection is broken; what was said can be said again
        except (RedisAway, RedisSilent):
            self._say(commands)

    def _say(self, commands: tuple[tuple[Any, ...], ...]) -> None:
        pool = self.channel.pool
        # which is open by then, to the master that a Sentinel names
        connection = pool.get_connection()
        try:
            connection.send_packed_command(
                connection.pack_commands([("MULTI",), *commands, ("EXEC",)])
            )
            *_, done = [connection.read_response() for _ in range(len(commands) + 2)]
            for answer in done:
                if isinstance(answer, Exception):
                    raise answer
        except BaseException:
            connection.disconnect()  # answers may be left in it
            raise
        finally:
            pool.release(connection)
