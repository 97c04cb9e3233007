"""Running a suite on one night's partition with Great Expectations."""

import json
import logging
import os
import warnings
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from expectations.checks import Check, Suite

if TYPE_CHECKING:
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

    def results(self, suite: Suite, night: date, rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
        """Yield one row of ops.gate_results per check.

        Parameters
        ----------
        rows
            What the suite reads of the night's partition, in an order that does not depend on the files.
        """
        batch: Batch = self._definition.get_batch({"dataframe": rows.to_pandas()})
        expectations = [self._expectation(check) for check in suite.checks]
        gx_suite = self._gx.ExpectationSuite(name=f"{suite.table} {night}", expectations=expectations)
        outcome = batch.validate(gx_suite, result_format="SUMMARY")
        by_id = {result.expectation_config.meta["check"]: result for result in outcome.results}
        for check in suite.checks:
            result = by_id[check.name]
            detail = result.result or {}
            unexpected = detail.get("partial_unexpected_list") or [] if suite.shows_values(check) else []
            sample = sorted({str(value) for value in unexpected})[:SAMPLE_VALUES]
            observed = detail.get("observed_value", detail.get("unexpected_percent"))
            yield {
                "batch_date": night,
                "gate": suite.gate,
                "table_name": suite.table,
                "expectation": check.name,
                "severity": check.severity,
                "success": bool(result.success),
                "observed": json.dumps(observed, default=str),
                "unexpected_count": int(detail.get("unexpected_count") or 0),
                "row_count": rows.height,
                "sample": json.dumps(sample),
            }

    def _expectation(self, check: Check) -> Any:
        arguments = {key: list(value) if isinstance(value, tuple) else value for key, value in check.arguments}
        return getattr(self._gx.expectations, check.kind)(**arguments, meta={"check": check.name})
