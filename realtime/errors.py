"""The exception for what a client did wrong, or cannot have now, with a code of the contract."""

from typing import Any

# The HTTP status of each code.
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
    """A refusal that is answered to the client as its code and message.

    The message is for people, and never names what they may not see. `beside` are further fields of
    the answer: for a refused move, the alert as it is.
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
        """Return it as it is answered."""
        return {"code": self.code, "message": self.message, **self.beside}


class Unavailable(ClientError):
    """The server cannot tell now; the same request may succeed later."""

    def __init__(self) -> None:
        super().__init__("unavailable", "The server cannot answer now. Try again.")


class TooLarge(ClientError):
    """The body has more bytes than are taken here."""

    def __init__(self, most: int) -> None:
        super().__init__("invalid", f"The body must have at most {most:,} bytes.")

    @property
    def status(self) -> int:
        return 413


class TooSlow(ClientError):
    """The body did not come in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__("invalid", f"The body must arrive within {seconds:g} s or so.")

    @property
    def status(self) -> int:
        return 408
