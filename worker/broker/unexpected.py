"""What Celery and kombu raise over a message of a type or shape that they do not expect.

They would end the worker over it.
"""

from redis.exceptions import DataError

MESSAGE_DROPPED = "message_dropped"

# A broker that is away raises others.
UNEXPECTED = (
    ArithmeticError,
    AttributeError,
    DataError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
