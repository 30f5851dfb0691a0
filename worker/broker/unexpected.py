"""The errors that Celery and kombu raise over a message of a type or shape they do not expect.

The worker would end over one.
"""

from redis.exceptions import DataError

MESSAGE_DROPPED = "message_dropped"

# None of these is raised over a broker that is away.
UNEXPECTED = (
    ArithmeticError,
    AttributeError,
    DataError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
