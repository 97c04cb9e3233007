"""The models that are trained, judged and scored: one entry each."""

from models.adherence.config import SPEC as ADHERENCE
from models.burnout.config import SPEC as BURNOUT
from models.churn.config import SPEC as CHURN
from models.daily_session.config import SPEC as DAILY_SESSION
from models.injury_risk.config import SPEC as INJURY_RISK
from models.integrated_risk.config import SPEC as INTEGRATED_RISK
from models.lapse_7d.config import SPEC as LAPSE_7D
from models.lifecycle.spec import ModelSpec
from models.performance.config import SPEC as PERFORMANCE
from models.plateau.config import SPEC as PLATEAU

SPECS: tuple[ModelSpec, ...] = (
    ADHERENCE,
    LAPSE_7D,
    CHURN,
    BURNOUT,
    PLATEAU,
    INJURY_RISK,
    INTEGRATED_RISK,
    PERFORMANCE,
    DAILY_SESSION,
)
