"""Policy: every threshold, weight, severity and switch of detection, with its default.

Each type has a class, in a module of its name; keys that several types go by are in places,
attendance, biometrics and alerts. A tenant's policy overrides the defaults by key, and a site's
overrides the tenant's. The names are those of docs/detection.md.
"""

from models.policy.composed import DEFAULT_POLICY, Policy, merged
from models.policy.keys import KEYS
from models.policy.validate import validate

__all__ = ["DEFAULT_POLICY", "KEYS", "Policy", "merged", "validate"]
