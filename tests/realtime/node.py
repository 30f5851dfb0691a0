"""A viewer by the stock client from npm, in a process of its own."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

from tests.realtime.cast import eventually

FOLDER = Path(__file__).resolve().parent.parent / "js"


def install() -> None:
    """Install what package-lock.json names, unless it is there."""
    if not (FOLDER / "node_modules" / "socket.io-client").exists():
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=FOLDER, check=True)


class NodeViewer:
    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    async def start(self, url: str, auth: dict[str, Any], **options: Any) -> "NodeViewer":
        arguments = json.dumps({"url": url, "auth": auth, "options": options})
        self._process = await asyncio.create_subprocess_exec(
            "node",
            "viewer.js",
            arguments,
            cwd=FOLDER,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=10_000_000,
        )
        self._reading = asyncio.create_task(self._read())
        return self

    async def _read(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            self.lines.append(json.loads(line))

    def tell(self, **command: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(command).encode() + b"\n")

    async def ask(self, event: str, data: object = None) -> dict[str, Any]:
        before = len(self.noted("answer"))
        self.tell(do="ask", event=event, data=data)
        answer: dict[str, Any] = await self.until("answer", before + 1)
        return answer

    def noted(self, kind: str) -> list[Any]:
        return [line[kind] for line in self.lines if kind in line]

    def heard(self, name: str) -> list[dict[str, Any]]:
        return [line["payload"] for line in self.lines if line.get("event") == name]

    def positions(self) -> list[int]:
        return [
            line["payload"]["position"]
            for line in self.lines
            if line.get("event", "").startswith("anomaly_")
        ]

    async def until(self, kind: str, times: int = 1) -> Any:
        await eventually(lambda: len(self.noted(kind)) >= times, f"no {kind}")
        return self.noted(kind)[-1]

    async def until_heard(self, name: str, times: int = 1) -> dict[str, Any]:
        await eventually(lambda: len(self.heard(name)) >= times, f"no {name}")
        return self.heard(name)[-1]

    async def until_position(self, position: int) -> None:
        await eventually(
            lambda: position in self.positions(),
            f"position {position} never came: {self.positions()[-3:]}",
        )

    async def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        await self._process.wait()
        await self._reading
