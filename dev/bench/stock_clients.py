"""Drives stock socket.io-clients (node/stock_client.js)."""

import json
import subprocess
import time
from collections.abc import Iterable

from dev.bench import javascript
from dev.bench.processes import pin


class StockClients:
    """`count` connections in one Node process that note the delay of every anomaly. Ends with its
    `with` block.
    """

    def __init__(
        self, port: int, count: int, auth: dict[str, str], cores: Iterable[int] | None = None
    ) -> None:
        javascript.install()
        command = [
            "node",
            str(javascript.FOLDER / "stock_client.js"),
            f"http://127.0.0.1:{port}",
            str(count),
            json.dumps(auth),
        ]
        self.count = count
        self._popen = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if cores is not None:
            pin(self._popen.pid, cores)

    def __enter__(self) -> "StockClients":
        if self._line() != "ready":
            raise RuntimeError(f"the stock clients could not connect (exit {self._popen.wait(10)})")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._popen.stdin is not None and self._popen.stdout is not None
        self._popen.stdin.close()
        self._popen.wait(10)
        self._popen.stdout.close()

    def delays_ms(self, messages: int, seconds: float) -> list[float]:
        """The delay of each of `messages` at each client, once all are there. Raises TimeoutError
        after `seconds`.
        """
        deadline = time.monotonic() + seconds
        expected = messages * self.count
        while (received := int(self._ask("count"))) < expected:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{received} of {expected} anomalies reached the clients in {seconds} s"
                )
            time.sleep(0.1)
        return [delay_us / 1e3 for delay_us in json.loads(self._ask("take"))]

    def _ask(self, command: str) -> str:
        assert self._popen.stdin is not None
        self._popen.stdin.write(command + "\n")
        self._popen.stdin.flush()
        return self._line()

    def _line(self) -> str:
        assert self._popen.stdout is not None
        return self._popen.stdout.readline().strip()
