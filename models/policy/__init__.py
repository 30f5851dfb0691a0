"""Policy: every threshold, weight, severity and switch of detection, with its default.

One class a type, in a module of its name; what several types go by stands in places, attendance,
biometrics and alerts. A tenant's policy and, over it, a site's override each by key. The names are
those of the definitions (docs/detection.md).
"""

from models.policy.composed import DEFAULT_POLICY, Policy, merged
from models.policy.keys import KEYS
from models.policy.validate import validate

__all__ = ["DEFAULT_POLICY", "KEYS", "Policy", "merged", "validate"]
