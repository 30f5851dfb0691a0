"""The bases of a policy's parts, of which some are shared and each anomaly type has one."""

from pydantic import BaseModel, ConfigDict

from models.policy.measures import Mode, Share


class Part(BaseModel):
    """A part of a policy. Its values are checked strictly, and do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class TypePolicy(Part):
    """The policy of an anomaly type: whether it is on, off or in shadow, and its weight.

    In shadow its anomalies are stored, never alerted or sent, and left out of the score. The mode's
    key is the type's name in lower case, the weight's key that name with `_weight` after it. All
    other keys are spelled as the fields are.
    """

    mode: Mode = "on"
    weight: Share
