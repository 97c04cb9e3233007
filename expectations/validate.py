"""Running a suite on one night's partition with Great Expectations."""

import json
import logging
import os
import warnings
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from expectations.checks import Check, Suite

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.datasource.fluent.interfaces import Batch

SAMPLE_VALUES = 5


def silence() -> None:
    """Keep Great Expectations from reporting usage; call before it is imported."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    warnings.filterwarnings("ignore", module="great_expectations")


class Validator:
    """One ephemeral context for all partitions of a run: nothing is stored by the library itself."""

    def __init__(self) -> None:
        silence()
        import great_expectations as gx

        # Modules of the library set levels of their own when they are imported.
        for name in logging.root.manager.loggerDict:
            if name.startswith("great_expectations"):
                logging.getLogger(name).setLevel(logging.ERROR)
        self._gx = gx
        self._context = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
        asset = self._context.data_sources.add_pandas("partitions").add_dataframe_asset("partition")
        self._definition = asset.add_batch_definition_whole_dataframe("whole")

    def outcomes(self, checks: Sequence[Check], rows: pl.DataFrame) -> "dict[str, ExpectationValidationResult]":
        """Return what the library found of each check, by the check's name."""
        if not checks:
            return {}
        batch: Batch = self._definition.get_batch({"dataframe": rows.to_pandas()})
        suite = self._gx.ExpectationSuite(name="partition", expectations=[self._expectation(check) for check in checks])
        outcome = batch.validate(suite, result_format="SUMMARY")
        return {result.expectation_config.meta["check"]: result for result in outcome.results}

    def _expectation(self, check: Check) -> Any:
        arguments = {key: list(value) if isinstance(value, tuple) else value for key, value in check.arguments}
        return getattr(self._gx.expectations, check.kind)(**arguments, meta={"check": check.name})


def result_row(
    suite: Suite, check: Check, night: date, rows: int, outcome: "ExpectationValidationResult | None"
) -> dict[str, Any]:
    """Return the row of ops.gate_results of a check on a night.

    Parameters
    ----------
    rows
        Number of rows of the night.
    outcome
        What was found; None for a check of which it is known that none of the rows breaks it.
    """
    detail: dict[str, Any] = {"unexpected_percent": 0.0} if outcome is None else outcome.result or {}
    unexpected = detail.get("partial_unexpected_list") or [] if suite.shows_values(check) else []
    sample = sorted({str(value) for value in unexpected if value is not None})[:SAMPLE_VALUES]
    return {
        "batch_date": night,
        "gate": suite.gate,
        "table_name": suite.table,
        "expectation": check.name,
        "severity": check.severity,
        "success": outcome is None or bool(outcome.success),
        "observed": json.dumps(detail.get("observed_value", detail.get("unexpected_percent")), default=str),
        "unexpected_count": int(detail.get("unexpected_count") or 0),
        "row_count": rows,
        "sample": json.dumps(sample),
    }
