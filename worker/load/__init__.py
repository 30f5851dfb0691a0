"""Load the window: find the subjects whose outcome may have changed by what was touched, then read
all they are judged by.

The number of SQL statements is constant; every range is read by an index and is bounded in time.
"""

from worker.load.load import load, load_subjects

__all__ = ["load", "load_subjects"]
