"""Challengers in shadow: a version that was refused narrowly scores each night too, apart from what anybody acts on.

Nothing that goes wrong with a challenger may cost the night its scores: it is logged, and the challenger has none.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from habitlake.clock import Interval
from habitlake.errors import PermanentError
from habitlake.lake import count_rows, replace_nights_stream
from habitlake.log import get_logger
from habitlake.settings import Settings
from models.catalogue import SPECS
from models.lifecycle.registry import load_version
from models.lifecycle.told import days_told, predict
from models.lifecycle.versions import Bundles

TABLE = "gold.shadow_predictions"


def load_challengers(wanted: Iterable[tuple[str, str]], settings: Settings) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the versions that can be loaded, by model and version."""
    found = {}
    for name, version in wanted:
        try:
            found[name, version] = load_version(name, version, settings)
        except PermanentError as error:
            get_logger("score").warning("challenger not scored", model=name, version=version, error=str(error))
    return found


def score_in_shadow(people: pl.DataFrame, challengers: Mapping[str, str], bundles: Bundles) -> list[pl.DataFrame]:
    """Return gold.shadow_predictions rows of the people, one frame per challenger.

    Parameters
    ----------
    people
        gold.user_features rows, with ``sequence`` and ``days`` where a challenger reads them.
    challengers
        Version by model; one without a bundle is left out.
    """
    found = []
    for spec in SPECS:
        version = challengers.get(spec.name)
        if version is None or (spec.name, version) not in bundles:
            continue
        own = people.filter(spec.eligible)
        if own.is_empty():
            continue
        try:
            scores, chances = predict(spec, bundles[spec.name, version]["estimator"], own)
            days = days_told(own, chances)
        except Exception as error:
            get_logger("score").warning("challenger not scored", model=spec.name, version=version, error=repr(error))
            continue
        rows = own.select("batch_date", "user_id", model=pl.lit(spec.name), model_version=pl.lit(version))
        found.append(rows.with_columns(score=pl.Series(scores, dtype=pl.Float64), days=days))
    return found


def write_shadow(rows: Sequence[pl.DataFrame], interval: Interval, settings: Settings) -> int:
    """Replace the interval's rows of gold.shadow_predictions; without challengers, then and now, nothing is opened."""
    if not rows and not count_rows(TABLE, settings, interval):
        return 0
    return replace_nights_stream(lambda: (part.to_arrow() for part in rows), TABLE, interval, settings)
