"""One `python -m realtime`, on a port that stays the same when it is stopped and started again."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

import jwt

START_SECONDS = 60


class Server:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.url = f"http://127.0.0.1:{environ['PORT']}"
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it unless it runs, and return when it answers.

        Raises TimeoutError if it does not answer within START_SECONDS, RuntimeError if it ended.
        """
        if self._process is not None:
            return
        self._process = subprocess.Popen(
            [sys.executable, "-m", "realtime"], env=dict(self._environ)
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if (status := self._process.poll()) is not None:
                raise RuntimeError(f"the server ended with status {status}")
            if time.monotonic() > deadline:
                raise TimeoutError("the server does not answer")
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_SECONDS)
            self._process = None

    def token(
        self,
        tenant_id: int,
        *,
        seconds: float = 3600,
        sites: object = "all",
        sub: str = "amina@acme.example",
        role: str = "operator",
    ) -> str:
        claims = {
            "sub": sub,
            "exp": int(time.time() + seconds),
            "tenant_id": tenant_id,
            "sites": sites,
            "role": role,
        }
        return jwt.encode(claims, self._environ["JWT_SECRET"], algorithm="HS256")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
