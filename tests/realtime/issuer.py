"""An issuer of tokens that publishes its keys, or does not: a server of one test."""

import http.server
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from realtime.errors import ClientError
from realtime.tokens import Verifier

Handler = http.server.BaseHTTPRequestHandler


async def code_of(verifier: Verifier, given_token: object) -> str:
    with pytest.raises(ClientError) as caught:
        await verifier.verify(given_token)
    return caught.value.code


def signed(
    key: Any,
    key_id: str | None = None,
    algorithm: str = "ES256",
    **changes: Any,
) -> str:
    """Return a token of alice, who may view everything at tenant 1, for the audience `noc`."""
    claims = {
        "sub": "alice",
        "tenant_id": 1,
        "sites": "all",
        "role": "viewer",
        "exp": time.time() + 600,
        "aud": "noc",
    }
    if changes.pop("without_aud", False):
        del claims["aud"]
    headers = {"kid": key_id} if key_id else None
    return jwt.encode(claims | changes, key, algorithm=algorithm, headers=headers)


def as_jwk(key: Any, **fields: Any) -> dict[str, Any]:
    """Return the public key as an issuer publishes it."""
    algorithms: Any = jwt.algorithms
    if isinstance(key, rsa.RSAPrivateKey):
        kind = algorithms.RSAAlgorithm
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        kind = algorithms.ECAlgorithm
    else:
        kind = algorithms.OKPAlgorithm
    published: dict[str, Any] = kind.to_jwk(key.public_key(), as_dict=True)
    return published | fields


class Issuer:
    """Publishes `keys`, or does with a request what `answer` does; `asked` counts the requests.

    It holds back its answers while `open` is not set.
    """

    def __init__(self) -> None:
        self.keys: list[Mapping[str, Any]] = []
        self.answer: Callable[[Handler], None] = self.publish
        self.asked = 0
        self.open = threading.Event()
        self.open.set()
        issuer = self

        class Asked(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                issuer.open.wait(20)
                issuer.answer(self)

            def log_message(self, *_: Any) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Asked)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys"

    def publish(self, request: Handler) -> None:
        say(request, json.dumps({"keys": self.keys}).encode())

    def close(self) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()


def say(request: Handler, body: bytes, status: int = 200, **headers: str) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
