"""An issuer of tokens: it publishes its keys, is away, or drips them byte by byte."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

Mood = Literal["well", "away", "dripping"]
KEY_ID = "now"
NAME = "https://issuer.example.com"
DRIP_SECONDS = 1.0


class Issuer:
    """`mood` says how it answers; `asked` counts the requests for its keys."""

    def __init__(self) -> None:
        self.mood: Mood = "well"
        self.asked = 0
        self.ended = threading.Event()
        self._key = ec.generate_private_key(ec.SECP256R1())
        public: dict[str, Any] = json.loads(
            jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key())
        )
        self.keys = json.dumps(
            {"keys": [public | {"kid": KEY_ID, "use": "sig", "alg": "ES256"}]}
        ).encode()

    def token(self, tenant_id: int, role: str, key_id: str = KEY_ID) -> str:
        claims = {
            "sub": "alice",
            "iss": NAME,
            "tenant_id": tenant_id,
            "sites": "all",
            "role": role,
            "iat": time.time(),
            "exp": time.time() + 3_600,
        }
        return jwt.encode(claims, self._key, "ES256", {"kid": key_id})


@contextmanager
def on_issuer() -> Iterator[tuple[Issuer, str]]:
    """Run an issuer; yield it with the address of its keys."""
    issuer = Issuer()

    class Keys(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            if issuer.mood == "away":
                self.send_error(503)
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(issuer.keys)))
            self.end_headers()
            if issuer.mood == "well":
                self.wfile.write(issuer.keys)
            else:
                self._drip()

        def _drip(self) -> None:
            """Send a byte a second, until the other side has enough of it."""
            for byte in issuer.keys:
                if issuer.ended.wait(DRIP_SECONDS):
                    return
                try:
                    self.wfile.write(bytes([byte]))
                except OSError:
                    return

        def log_message(self, *_: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield issuer, f"http://127.0.0.1:{server.server_port}/keys"
    finally:
        issuer.ended.set()
        server.shutdown()
        server.server_close()
