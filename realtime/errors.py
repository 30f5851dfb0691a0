"""What a client did wrong, or cannot have now: one exception, its code the contract's, caught once
per door.
"""

from typing import Any

STATUS = {
    "token_missing": 401,
    "token_invalid": 401,
    "token_expired": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "invalid": 400,
    "rate_limited": 429,
    "unavailable": 503,
}


class ClientError(Exception):
    """Answered to the client as its code and message; the message is for people and never names
    what they may not see.

    What else is given stands beside them: of a refused move the alert as it is.
    """

    def __init__(self, code: str, message: str, **beside: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.beside = beside

    @property
    def status(self) -> int:
        return STATUS[self.code]

    def as_object(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, **self.beside}


class Unavailable(ClientError):
    """The server cannot tell now; the same request may succeed later."""

    def __init__(self) -> None:
        super().__init__("unavailable", "The server cannot answer now. Try again.")
