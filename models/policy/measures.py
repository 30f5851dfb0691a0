"""The types and bounds of a policy's values.

Units are as the keys' names say; shares are 0..1. The bounds limit how far in time one punch may
matter to another, and so the cost of judging it.
"""

from typing import Annotated, Literal

from pydantic import Field

Mode = Literal["on", "off", "shadow"]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=3_600)]
Minutes = Annotated[float, Field(ge=0, le=1_440)]
Hours = Annotated[float, Field(ge=0, le=72)]
Metres = Annotated[float, Field(ge=0, le=100_000)]
Kilometres = Annotated[float, Field(ge=0, le=20_040)]
Speed = Annotated[float, Field(ge=1, le=100_000)]
Wait = Annotated[float, Field(gt=0, le=43_200)]  # minutes, up to 30 days
Days = Annotated[int, Field(ge=1, le=366)]
