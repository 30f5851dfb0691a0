"""What an answer says that refuses something, as the API's description tells it."""

from typing import Annotated

from typing_extensions import TypedDict

from realtime.errors import STATUS
from realtime.http.fields import choice

Code = Annotated[str, choice(tuple(STATUS))]


class Refusal(TypedDict):
    """The code is one of the contract's; the message is for people."""

    code: Code
    message: str


class Refused(TypedDict):
    error: Refusal
