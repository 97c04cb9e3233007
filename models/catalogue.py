"""The models that are trained, judged and scored: one entry each."""

from models.adherence.config import SPEC as ADHERENCE
from models.lifecycle.spec import ModelSpec

SPECS: tuple[ModelSpec, ...] = (ADHERENCE,)
