"""Answers that refuse something, as the API's description has them."""

from typing import Annotated

from typing_extensions import TypedDict

from realtime.errors import STATUS
from realtime.http.fields import choice

# A body that is longer than the server reads, or does not come in time, has the code `invalid`, but
# a status of its own.
TOO_SLOW, TOO_LONG = 408, 413
WHY = {
    400: "It makes no sense",
    401: "There is no token, or none that holds",
    403: "The token does not cover it",
    404: "There is none, or none that the token may see",
    409: "Its state does not allow it",
    TOO_SLOW: "The body did not arrive in time",
    TOO_LONG: "The body is longer than the server reads",
    429: "Too much or too many at a time",
    503: "The server cannot tell now; the same request may succeed later",
}

Code = Annotated[str, choice(tuple(STATUS))]


class Refusal(TypedDict):
    """The code is one of the contract's; the message is for people."""

    code: Code
    message: str


class Refused(TypedDict):
    error: Refusal
