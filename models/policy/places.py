"""The policy of places: how exactly they and the times there are known, and how fast anybody gets
between them.
"""

from models.policy.measures import Kilometres, Metres, Seconds, Speed
from models.policy.part import Part


class Places(Part):
    gps_accuracy_cap_m: Metres = 100
    coarse_fix_cap_m: Metres = 1_000
    min_travel_km: Kilometres = 1
    max_travel_speed_kmh: Speed = 150
    clock_slack_seconds: Seconds = 120
