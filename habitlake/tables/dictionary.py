"""The data dictionary: one page per layer, written from the registry."""

from pathlib import Path

from habitlake.tables import FEATURES, TABLES, Feature, Table
from habitlake.tables.features import Group


def table_page(table: Table) -> str:
    """Return one table as Markdown: grain, key, retention, owner, columns."""
    kept = (
        "every night"
        if table.keep_daily_days is None
        else f"every night for {table.keep_daily_days} days, then one a week"
    )
    lines = [
        f"## {table.name}",
        "",
        f"{table.grain[0].upper()}{table.grain[1:]}. Key: {', '.join(table.key)}. Kept: {kept}. Owner: {table.owner}.",
        "",
        "| column | type | meaning | personal |",
        "|---|---|---|---|",
    ]
    for column in table.columns:
        # A nested type is as long as a page; its fields are the columns of silver.
        kind = column.sql_type if len(column.sql_type) < 60 else "struct"
        lines.append(f"| {column.name} | {kind} | {column.description} | {'yes' if column.pii else ''} |")
    return "\n".join(lines)


def _range(feature: Feature) -> str:
    low, high = feature.minimum, feature.maximum
    if low is None and high is None:
        return "any"
    return f"{low:g} to {high:g}" if high is not None else f"{low:g} or more"


def features_page() -> str:
    """Return every feature as Markdown, by group."""
    lines = [
        "# features",
        "",
        "Written by `make docs` from `habitlake/tables/features.py`.",
        "",
        "One row per person and night in `gold.user_features`; windows are complete local days up to `as_of_date`.",
    ]
    for group in Group:
        lines += [
            "",
            f"## {group.value}",
            "",
            "| feature | meaning | unit | range | window | formula | source | null means |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for feature in FEATURES:
            if feature.group is group:
                lines.append(
                    f"| {feature.name} | {feature.description} | {feature.unit} | {_range(feature)} | {feature.window} |"
                    f" {feature.formula} | {feature.source} | {feature.null_means or 'never null'} |"
                )
    return "\n".join(lines) + "\n"


def write_dictionary(folder: Path) -> list[Path]:
    """Write a page per layer and one of the features; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    features = folder / "features.md"
    features.write_text(features_page())
    written = [features]
    for layer in dict.fromkeys(table.layer for table in TABLES.values()):
        path = folder / f"{layer}.md"
        pages = [table_page(table) for table in TABLES.values() if table.layer == layer]
        path.write_text(f"# {layer}\n\nWritten by `make docs` from `habitlake/tables`.\n\n" + "\n\n".join(pages) + "\n")
        written.append(path)
    return written
