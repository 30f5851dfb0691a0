"""Waits until the server says that everything answers, and prints meanwhile what does not."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable

LIMIT_SECONDS = 180


def wait_until_ready(
    port: int, say: Callable[[str], None], check_parts: Callable[[], None]
) -> None:
    """Return once /readyz is 200. `check_parts` raises where a part has ended. Raises TimeoutError
    after three minutes.
    """
    deadline = time.monotonic() + LIMIT_SECONDS
    reported = ""
    while (missing := _missing(f"http://127.0.0.1:{port}/readyz")) is not None:
        if missing != reported:
            say(f"waiting for {missing}")
            reported = missing
        if time.monotonic() > deadline:
            raise TimeoutError(f"not ready after {LIMIT_SECONDS} s; still waiting for {reported}")
        check_parts()
        time.sleep(0.2)


def _missing(url: str) -> str | None:
    """The names of what does not answer yet; None where everything does."""
    try:
        with urllib.request.urlopen(url, timeout=10):
            return None
    except urllib.error.HTTPError as error:
        return _failing(error.read())
    except OSError:
        return "the server"


def _failing(body: bytes) -> str:
    """The names of what does not answer, by the body of a 503."""
    try:
        answers = json.loads(body)
    except ValueError:
        return "the server"
    return ", ".join(str(name) for name in answers.get("failing", [])) or "the server"
