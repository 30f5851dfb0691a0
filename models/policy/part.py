"""What the parts of a policy have in common: the shared ones, and the one of each anomaly type."""

from pydantic import BaseModel, ConfigDict

from models.policy.measures import Mode, Share


class Part(BaseModel):
    """Values that are checked strictly, and do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class TypePolicy(Part):
    """Whether the type is on, off, or in shadow, and what it adds to the score.

    In shadow it is stored, never alerted or sent, and left out of the score. The mode's key is the
    type's name in lower case, the weight's key that name with `_weight` after it. All other keys
    are spelled as the fields are.
    """

    mode: Mode = "on"
    weight: Share
