"""What a suite is made of: checks on a table, the SQL they read, and the SQL that shows the rows that broke them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from habitlake.tables import get_table

Gate = Literal["silver", "gold", "queue"]
Rules = tuple[tuple[str, str], ...]
FAIL, WARN = "fail", "warn"
IDENTIFIERS = frozenset({"event_id", "decision_id"})


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation: the Great Expectations class, its arguments, and what happens when it does not hold."""

    kind: str
    severity: str
    arguments: tuple[tuple[str, Any], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns it looks at; none for a check of the table."""
        values = dict(self.arguments)
        return (values["column"],) if "column" in values else tuple(values.get("column_list", ()))

    @property
    def name(self) -> str:
        """Name of the expectation with its columns and severity, unique within a table."""
        where = ",".join(self.columns) or "table"
        return f"{self.kind}({where})" + ("" if self.severity == FAIL else ":warn")

    @property
    def over_nights(self) -> "Check | None":
        """The check of many nights' rows together that holds when this one holds in each; None for one of the table."""
        if self.columns and "Unique" in self.kind:
            return unique("batch_date", *self.columns)
        return self if self.columns else None

    def broken_by(self) -> str | None:
        """Return the SQL predicate of the rows that break it; None for a check of the table."""
        values, column = dict(self.arguments), ", ".join(self.columns)
        bounds = [
            f"{column} {sign} {values[key]}" for key, sign in (("min_value", "<"), ("max_value", ">")) if key in values
        ]
        predicates = {
            "ExpectColumnValuesToBeBetween": " or ".join(bounds),
            "ExpectColumnValuesToNotBeNull": f"{column} is null",
            "ExpectColumnValuesToBeNull": f"{column} is not null",
            "ExpectColumnValuesToMatchRegex": f"not regexp_matches({column}, {quoted(str(values.get('regex')))})",
            "ExpectColumnValuesToBeUnique": f"count(*) over (partition by {column}) > 1",
            "ExpectCompoundColumnsToBeUnique": f"count(*) over (partition by {column}) > 1",
        }
        return predicates.get(self.kind)


def _first_broken(rules: Rules) -> str:
    return "CASE " + " ".join(f"WHEN {predicate} THEN {quoted(name)}" for name, predicate in rules) + " END"


@dataclass(frozen=True, slots=True)
class Total:
    """A number about a whole partition: an aggregate, and a predicate of the rows to look at when it is wrong."""

    name: str
    rows: str
    aggregate: str = ""

    @property
    def sql(self) -> str:
        """The aggregate; without one of its own the number of the rows."""
        return self.aggregate or f"count(*) FILTER (WHERE {self.rows})"


@dataclass(frozen=True, slots=True)
class Suite:
    """Checks on one table of a gate, and the columns that are computed in DuckDB SQL before they run.

    ``derived`` columns are expressions over a night's partition. A column of ``rules`` names the first rule that a
    row breaks and is null for a row that keeps all; each rule is a name and a predicate that is true where it is
    broken (null counts as kept). A suite with ``totals`` looks at one row of them per night and at no other: for tables
    whose rows are too many to leave DuckDB.
    """

    gate: Gate
    table: str
    checks: tuple[Check, ...]
    derived: tuple[tuple[str, str], ...] = ()
    rules: tuple[tuple[str, Rules], ...] = ()
    totals: tuple[Total, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Columns that the checks look at, and the key that puts the rows in an order of their own."""
        looked_at = {column for check in self.checks for column in check.columns}
        if self.totals:
            return sorted(looked_at)
        key = [column for column in get_table(self.table).key if column != "batch_date"]
        return [*key, *sorted(looked_at - set(key))]

    def partitions_sql(self, predicate: str) -> str:
        """Return the SQL that reads what the checks look at from the partitions of the predicate."""
        own = dict(self.derived) | {total.name: total.sql for total in self.totals}
        own |= {name: _first_broken(rules) for name, rules in self.rules}
        chosen = [f"{own[column]} AS {column}" if column in own else column for column in self.columns]
        grouped = " GROUP BY batch_date" if self.totals else ""
        return f"SELECT batch_date, {', '.join(chosen)} FROM {self.table} WHERE {predicate}{grouped}"

    def rows_sql(self, check: Check, night: str, broken: Collection[str]) -> str:
        """Return the SQL that shows a night's rows that break a check (for a check of the table: the nights).

        Parameters
        ----------
        broken
            Names of the rules that were found broken, where the check looks at a column of rules.
        """
        if self.totals:
            (total,) = (total for total in self.totals if total.name in check.columns)
            return f"select * from {self.table} where batch_date = '{night}' and ({total.rows})"
        if (predicate := check.broken_by()) is None:
            return f"select batch_date, count(*) from {self.table} group by all order by 1 desc"
        for name, rules in self.rules:
            if name in check.columns:
                predicate = " or ".join(f"({rule})" for rule_name, rule in rules if rule_name in broken)
        rows = f"{self.table} where batch_date = '{night}'"
        if " over " in predicate:
            return f"select * from {rows} qualify {predicate}"
        if derived := [f"{sql} as {name}" for name, sql in self.derived if name in check.columns]:
            return f"select * from (select {', '.join(derived)}, * from {rows}) where {predicate}"
        return f"select * from {rows} and ({predicate})"

    def shows_values(self, check: Check) -> bool:
        """Whether values that break the check may be stored: not where they tell who a person is."""
        personal = IDENTIFIERS | set(get_table(self.table).pii_columns)
        return not personal & set(check.columns)


def quoted(text: str) -> str:
    """Return the text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


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


def matches(column: str, regex: str) -> Check:
    """Expect every value that is not null to match."""
    return Check("ExpectColumnValuesToMatchRegex", FAIL, (("column", column), ("regex", regex)))


def unique(*columns: str) -> Check:
    """Expect the columns together to name each row once."""
    if len(columns) == 1:
        return Check("ExpectColumnValuesToBeUnique", FAIL, (("column", columns[0]),))
    return Check("ExpectCompoundColumnsToBeUnique", FAIL, (("column_list", columns),))


def some_rows() -> Check:
    """Expect at least one row; an empty night is worth a look, not a stop."""
    return Check("ExpectTableRowCountToBeBetween", WARN, (("min_value", 1),))


def no_violation(column: str) -> Check:
    """Expect that no row breaks a rule of the column."""
    return Check("ExpectColumnValuesToBeNull", FAIL, (("column", column),))
