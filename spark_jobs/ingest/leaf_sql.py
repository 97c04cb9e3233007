"""The SQL of a contract's fields: their types, their values, and what can be wrong with them."""

import json
from collections.abc import Iterable, Iterator, Sequence

from habitlake.contracts import FieldSpec
from habitlake.contracts.base import MAX_TEXT_LENGTH, TIMESTAMP_PATTERN
from habitlake.contracts.weather import DATE_PATTERN

DUCKDB_TYPES = {
    "string": "VARCHAR",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMPTZ",
    "date": "DATE",
    "array<string>": "VARCHAR[]",
    "array<double>": "DOUBLE[]",
}
NUMBERS = "('UBIGINT', 'BIGINT', 'DOUBLE')"
MAX_PLAN_DAYS = 60
LINES_TABLE = """
CREATE TEMP TABLE lines (batch_date DATE, _source_file VARCHAR, _line BIGINT, raw VARCHAR, raw_encoding VARCHAR,
  reason VARCHAR, detail VARCHAR)
"""


def quoted(text: str) -> str:
    """Return a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def literals(values: Iterable[str]) -> str:
    """Return a list of SQL string literals, as IN reads it."""
    return "(" + ", ".join(quoted(value) for value in values) + ")"


def cases(told: Iterable[tuple[str, str]]) -> str:
    """Return the text of all cases that hold, joined by semicolons; empty when none does."""
    listed = list(told)
    if not listed:
        return "''"
    return "concat_ws('; ', " + ", ".join(f"CASE WHEN {condition} THEN {text} END" for condition, text in listed) + ")"


def canonical(struct: str) -> str:
    """Return a struct's one text, without the fields that are null, so that a new field changes no hash."""
    # A merge patch leaves nulls out (RFC 7396); the session's zone is UTC, so an instant has one text.
    return f"CAST(json_merge_patch('{{}}', to_json({struct})) AS VARCHAR)"


class Leaf:
    """The SQL of one contract leaf: where it is, its type name, its text, and what can be wrong with it.

    A line's type names are the list ``t``, its texts the struct ``e``.

    Parameters
    ----------
    root
        Names of the objects around the contract, from the line on: ``("data",)`` of a payload.
    position
        Where in ``t`` the leaf's type name is, from 1.
    """

    def __init__(self, spec: FieldSpec, root: Sequence[str], position: int) -> None:
        self.spec = spec
        self.label = ".".join((*root, *spec.path))
        self.json_path = "$." + self.label
        self.kind = f"t[{position}]"
        self.text = ".".join(["e", *(f'"{part}"' for part in (*root, *spec.path))])

    @property
    def present(self) -> str:
        """Whether it is there and not null."""
        return f"coalesce({self.kind}, 'NULL') <> 'NULL'"

    @property
    def value(self) -> str:
        """The value in its type, null where it is of another."""
        spec = self.spec
        if spec.sql_type == "array<double>":
            return f"list_transform({self.text}, lambda x: TRY_CAST(x AS DOUBLE))"
        if spec.sql_type == "bigint":
            return f"TRY_CAST(TRY_CAST({self.text} AS DOUBLE) AS BIGINT)"
        if spec.sql_type in ("string", "array<string>"):
            return self.text
        return f"TRY_CAST({self.text} AS {DUCKDB_TYPES[spec.sql_type]})"

    @property
    def wrong_type(self) -> str:
        """Whether a value that is there is of another type."""
        spec, kind, text = self.spec, self.kind, self.text
        if spec.json_object:
            return f"{kind} <> 'OBJECT'"
        number = f"({kind} IN {NUMBERS} OR {kind} = 'VARCHAR') AND TRY_CAST({text} AS DOUBLE) IS NOT NULL"
        right = {
            "string": f"{kind} = 'VARCHAR' OR {kind} IN {NUMBERS}",
            "double": number,
            "bigint": f"{number} AND TRY_CAST({text} AS DOUBLE) = floor(TRY_CAST({text} AS DOUBLE))",
            "boolean": f"{kind} = 'BOOLEAN'",
            "timestamp": f"{kind} = 'VARCHAR' AND regexp_matches({text}, '{TIMESTAMP_PATTERN}')"
            f" AND TRY_CAST({text} AS TIMESTAMPTZ) IS NOT NULL",
            "date": f"{kind} = 'VARCHAR' AND regexp_matches({text}, '{DATE_PATTERN}') AND TRY_CAST({text} AS DATE) IS NOT NULL",
            "array<string>": f"{kind} = 'ARRAY' AND coalesce(list_count({text}) = len({text}), false)",
            "array<double>": f"{kind} = 'ARRAY' AND list_count(list_transform({text}, lambda x: TRY_CAST(x AS DOUBLE)))"
            f" = len({text})",
        }[spec.sql_type]
        return f"NOT coalesce({right}, false)"

    @property
    def out_of_range(self) -> str | None:
        """Whether a value of the right type is none that the contract allows; None where it allows all."""
        spec, text, value = self.spec, self.text, self.value
        tests: list[str] = []
        if spec.sql_type in ("double", "bigint"):
            number = f"TRY_CAST({text} AS DOUBLE)"
            low = "-1e308" if spec.minimum is None else repr(spec.minimum)
            high = "1e308" if spec.maximum is None else repr(spec.maximum)
            # A NaN sorts above every number, so the upper bound refuses it as well.
            tests.append(f"NOT ({number} >= {low} AND {number} <= {high})")
        elif spec.sql_type == "array<double>":
            bounds = f"x >= {spec.minimum!r} AND x <= {spec.maximum!r}"
            tests.append(f"len(list_filter({value}, lambda x: NOT ({bounds}))) > 0")
        elif spec.sql_type == "array<string>":
            tests.append(f"len(list_filter({text}, lambda x: length(x) > {spec.max_length or MAX_TEXT_LENGTH})) > 0")
            if spec.allowed:
                tests.append(f"len(list_filter({text}, lambda x: x NOT IN {literals(spec.allowed)})) > 0")
        elif spec.allowed:
            tests.append(f"{text} NOT IN {literals(spec.allowed)}")
        elif spec.sql_type == "string" and not spec.json_object:
            if spec.max_length is not None:
                tests.append(f"length({text}) > {spec.max_length}")
            if spec.min_length is not None:
                tests.append(f"length({text}) < {spec.min_length}")
        elif spec.column == "planned_for":
            tests.append(f"{value} > event_at + INTERVAL {MAX_PLAN_DAYS} DAY")
        return " OR ".join(tests) or None

    @property
    def complaint(self) -> str:
        """What is out of range; a value that is personal data stays in the raw line, which is declared to hold it."""
        if self.spec.pii:
            return quoted(f"{self.label}: the value is not {self.bounds()}")
        return f"{quoted(self.label + ': ')} || left(CAST({self.text} AS VARCHAR), 60) || {quoted(' is not ' + self.bounds())}"

    def bounds(self) -> str:
        """Return in words what the contract allows."""
        spec = self.spec
        if spec.allowed:
            return "one of " + ", ".join(spec.allowed)
        if spec.minimum is not None:
            return f"{spec.minimum:g} to {spec.maximum:g}" if spec.maximum is not None else f"{spec.minimum:g} or more"
        if spec.column == "planned_for":
            return f"at most {MAX_PLAN_DAYS} days ahead"
        return f"{spec.min_length or 0} to {spec.max_length or MAX_TEXT_LENGTH} characters"


def structure(leaves: Sequence[Leaf]) -> str:
    """Return the json_transform structure that holds every leaf as text."""
    tree: dict[str, object] = {}
    for leaf in leaves:
        node = tree
        *parents, last = leaf.label.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})  # type: ignore[assignment]
        node[last] = ["VARCHAR"] if leaf.spec.sql_type.startswith("array") else "VARCHAR"
    return json.dumps(tree)


def wrong_types(leaves: Iterable[Leaf]) -> Iterator[tuple[str, str]]:
    """Yield of each leaf the condition under which it is of a wrong type, and the detail."""
    for leaf in leaves:
        yield f"{leaf.present} AND {leaf.wrong_type}", quoted(f"{leaf.label}: not of type {leaf.spec.sql_type}")


def out_of_ranges(leaves: Iterable[Leaf]) -> Iterator[tuple[str, str]]:
    """Yield of each leaf that has bounds the condition under which it is outside them, and the detail."""
    for leaf in leaves:
        if (test := leaf.out_of_range) is not None:
            yield f"{leaf.present} AND ({test})", leaf.complaint
