"""The suites, as code: what each table must hold at each gate, derived from contracts and registry where it can be.

``fail`` stops the night; ``warn`` is stored and shown.
"""

from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from habitlake.contracts import FAMILIES, Family
from habitlake.contracts.base import USER_ID_PATTERN
from habitlake.tables import get_table

Gate = Literal["silver", "gold", "queue"]
FAIL, WARN = "fail", "warn"


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation: the Great Expectations class, its arguments, and what happens when it does not hold."""

    kind: str
    severity: str
    arguments: tuple[tuple[str, Any], ...]

    @property
    def name(self) -> str:
        """Name of the expectation with its column and severity, unique within a table."""
        values = dict(self.arguments)
        about = values.get("column") or values.get("column_list")
        where = ",".join(about) if isinstance(about, list | tuple) else (about or "table")
        return f"{self.kind}({where})" + ("" if self.severity == FAIL else ":warn")


@dataclass(frozen=True, slots=True)
class Suite:
    """Checks on one table of a gate; ``derived`` columns are computed before they run."""

    gate: Gate
    table: str
    checks: tuple[Check, ...]
    derived: tuple[tuple[str, pl.Expr], ...] = ()

    def columns(self) -> list[str]:
        """Return the stored columns that the checks and derived columns read."""
        named: set[str] = set()
        for check in self.checks:
            values = dict(check.arguments)
            named |= {values["column"]} if "column" in values else set(values.get("column_list", ()))
        own = {name for name, _ in self.derived}
        read = {root for _, expression in self.derived for root in expression.meta.root_names()}
        stored = get_table(self.table).column_names
        return [name for name in stored if name in (named - own) | read | {"batch_date"}]


def between(column: str, low: float | None, high: float | None, severity: str = FAIL) -> Check:
    """Expect every value that is not null to lie in the closed range."""
    arguments = {"column": column, "min_value": low, "max_value": high}
    return Check(
        "ExpectColumnValuesToBeBetween",
        severity,
        tuple((key, value) for key, value in arguments.items() if value is not None),
    )


def not_null(column: str) -> Check:
    """Expect no null."""
    return Check("ExpectColumnValuesToNotBeNull", FAIL, (("column", column),))


def unique(*columns: str) -> Check:
    """Expect the columns together to name each row once."""
    if len(columns) == 1:
        return Check("ExpectColumnValuesToBeUnique", FAIL, (("column", columns[0]),))
    return Check("ExpectCompoundColumnsToBeUnique", FAIL, (("column_list", columns),))


def some_rows() -> Check:
    """Expect at least one row; an empty night is worth a look, not a stop."""
    return Check("ExpectTableRowCountToBeBetween", WARN, (("min_value", 1),))


def none_of(violation: str) -> Check:
    """Expect a derived violation flag (0 or 1) to be 0 everywhere."""
    return between(violation, 0, 0)


def _violations(family: Family) -> pl.Expr:
    """Return per row how many values lie outside their contract's range or list of values."""
    broken: list[pl.Expr] = [pl.lit(0, dtype=pl.Int64)]
    for spec in family.fields():
        value = pl.col(spec.column)
        if spec.minimum is not None and spec.sql_type in ("double", "bigint"):
            broken.append((~value.is_between(spec.minimum, spec.maximum)).cast(pl.Int64))
        elif spec.allowed and spec.sql_type == "string":
            broken.append((~value.is_in(list(spec.allowed))).cast(pl.Int64))
    return pl.sum_horizontal(broken)


def _contract_suites() -> list[Suite]:
    # The parse has judged every value already; what is checked here is that nothing changed on the way to silver.
    # One derived column per table instead of one expectation per field keeps a range of nights cheap.
    suites = []
    for family in FAMILIES:
        user = Check("ExpectColumnValuesToMatchRegex", FAIL, (("column", "user_id"), ("regex", USER_ID_PATTERN)))
        checks = [not_null("event_id"), not_null("event_at"), user, none_of("contract_violations")]
        if family.name in ("workout", "wellbeing"):
            checks.append(some_rows())
        suites.append(Suite("silver", family.table, tuple(checks), (("contract_violations", _violations(family)),)))
    return suites


_AUDIT = Suite(
    "silver",
    "silver.batch_audit",
    (
        none_of("unaccounted"),
        between("rejected_share", 0, 0.2, WARN),
        between("night_rejected_share", 0, 0.5),
        some_rows(),
    ),
    (
        (
            "unaccounted",
            pl.col("raw_count") - pl.col("accepted_count") - pl.col("duplicate_count") - pl.col("rejected_count"),
        ),
        ("rejected_share", pl.col("rejected_count") / pl.max_horizontal(pl.col("raw_count"), pl.lit(1))),
        (
            "night_rejected_share",
            pl.col("rejected_count").sum().over("batch_date")
            / pl.max_horizontal(pl.col("raw_count").sum().over("batch_date"), pl.lit(1)),
        ),
    ),
)

_MEASURES = tuple(
    name for name in get_table("gold.user_day").column_names if name not in ("batch_date", "user_id", "local_date")
)
_USER_DAY = Suite(
    "gold",
    "gold.user_day",
    (unique("user_id", "local_date"), none_of("negative_measures"), some_rows()),
    (("negative_measures", pl.sum_horizontal((pl.col(name) < 0).cast(pl.Int64) for name in _MEASURES)),),
)

_USER_FEATURES = Suite(
    "gold",
    "gold.user_features",
    (
        unique("user_id"),
        not_null("as_of_date"),
        not_null("time_zone"),
        between("workout_frequency_7d", 0, 24),
        between("workout_frequency_30d", 0, 24),
        between("workout_frequency_7d", 0, 4, WARN),
        between("days_since_last_session", 0, 89),
        between("completion_rate_30d", 0, 1),
        between("skip_rate_30d", 0, 1),
        between("goal_progress_rate", 0, 2),
        between("stress_level", 1, 10),
        between("sleep_hours_7d", 0, 24),
        between("partner_share_30d", 0, 1),
        some_rows(),
    ),
)

_DECISIONS = Suite(
    "queue",
    "gold.decisions",
    (
        unique("decision_id"),
        unique("user_id", "local_date"),
        between("available_probability", 0.1, 0.8),
        none_of("sent_unavailable"),
        none_of("unavailable_with_probability"),
        none_of("unavailable_without_reason"),
        none_of("sent_without_message"),
        none_of("expires_before_send"),
        none_of("sent_past_night"),
        some_rows(),
    ),
    (
        ("available_probability", pl.when("available").then("probability")),
        ("sent_unavailable", (pl.col("send") & ~pl.col("available")).cast(pl.Int64)),
        ("unavailable_with_probability", (~pl.col("available") & (pl.col("probability") > 0)).cast(pl.Int64)),
        (
            "unavailable_without_reason",
            (~pl.col("available") & (pl.col("unavailable_reasons").list.len() == 0)).cast(pl.Int64),
        ),
        (
            "sent_without_message",
            (pl.col("send") & (pl.col("message").fill_null("").str.len_chars() == 0)).cast(pl.Int64),
        ),
        ("expires_before_send", (pl.col("expires_at") <= pl.col("send_at")).cast(pl.Int64)),
        ("sent_past_night", (pl.col("send_at") < pl.col("decided_at")).cast(pl.Int64)),
    ),
)

SUITES: tuple[Suite, ...] = (*_contract_suites(), _AUDIT, _USER_DAY, _USER_FEATURES, _DECISIONS)


def suites_of(gate: Gate) -> list[Suite]:
    """Return the suites of a gate."""
    return [suite for suite in SUITES if suite.gate == gate]
