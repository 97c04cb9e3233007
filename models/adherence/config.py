"""The fixed choices of the adherence model."""

from pydantic import BaseModel, ConfigDict

from habitlake.tables import ADHERENCE_V1


class AdherenceConfig(BaseModel):
    """Every number that training and evaluation depend on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "adherence"
    feature_service: str = "adherence_v1"
    label_days: int = 7
    adherence_share: float = 0.8
    min_history_days: int = 14
    # A local day can end a day after the night that saw most of it, and a night later is when it is known.
    label_delay_days: int = 2
    night_stride: int = 3
    test_share: float = 0.3
    unseen_share: float = 0.2
    min_rows: int = 10_000
    min_rows_pilot: int = 500
    bootstrap_samples: int = 200
    min_improvement: float = 0.05
    trees: int = 150
    depth: int = 4
    learning_rate: float = 0.06
    seed: int = 17


CONFIG = AdherenceConfig()
FEATURES = ADHERENCE_V1
RECENCY_FREQUENCY = ("sessions_7d", "sessions_28d", "days_since_last_session")
