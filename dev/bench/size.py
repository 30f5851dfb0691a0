"""How much of everything a short and a full run measure."""

from typing import NamedTuple


class Size(NamedTuple):
    name: str
    rounds: int
    viewers: tuple[int, ...] = (200, 1_000, 5_000)
    deliveries: int = 200_000  # in a burst, for the fastest contender
    calm_seconds: float = 4.0  # at the modest rate
    calm_deliveries: int = 5_000  # a second
    singles: int = 20_000
    batched: int = 10_000  # punches for each size of batch
    batches: tuple[int, ...] = (10, 100, 1_000)
    anomaly_shares: tuple[float, ...] = (0.0, 0.01, 0.20)
    burst: int = 1_000  # anomalies judged at once
    stream_seconds: float = 8.0  # of each end-to-end rate
    storm_viewers: int = 2_000
    storm_owed: int = 1_000
    histories: tuple[int, ...] = (50_000, 500_000)
    piled: int = 20_000  # punches in a pile, of which a twentieth is judged
    tenants: tuple[int, ...] = (1, 1_000)
    servers: tuple[int, ...] = (1, 4)
    elsewhere_seconds: float = 5.0
    idle_tenants: int = 10_000
    idle_seconds: float = 60.0  # two sweeps and more


SHORT = Size("short", rounds=3)
FULL = Size(
    "full",
    rounds=5,
    deliveries=1_000_000,
    calm_seconds=10.0,
    batched=100_000,
    stream_seconds=20.0,
    histories=(50_000, 5_000_000),
    elsewhere_seconds=10.0,
)
TINY = Size(
    "tiny",
    rounds=1,
    viewers=(20,),
    deliveries=400,
    calm_seconds=0.5,
    calm_deliveries=200,
    singles=40,
    batched=100,
    batches=(10,),
    anomaly_shares=(0.2,),
    burst=60,
    stream_seconds=1.0,
    storm_viewers=20,
    storm_owed=50,
    histories=(100,),
    piled=400,
    tenants=(5,),
    servers=(2,),
    elsewhere_seconds=0.5,
    idle_tenants=5,
    idle_seconds=1.0,
)
SIZES = {size.name: size for size in (SHORT, FULL, TINY)}
