"""``python -m bench``: measure the platform beside its peers and print the table."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from bench.ingestion import measure
from habitlake.cli.app import run_app
from habitlake.cli.output import console, print_table


def main(
    lines: Annotated[int, typer.Option(min=1_000, help="landing lines to read, about")] = 1_000_000,
    dirt: Annotated[float, typer.Option(min=0.0, max=0.5, help="share of damaged lines in the dirty run")] = 0.05,
) -> None:
    """Ingestion of clean and of dirty lines, beside DuckDB, Polars and bare Spark."""
    home = Path(tempfile.mkdtemp(prefix="habitlake-bench-"))
    try:
        for share in (0.0, dirt):
            console.print(f"[bold]==>[/bold] about {lines:,} lines, {share:.0%} dirt")
            rows = [
                (
                    found.name,
                    f"{found.lines:,}",
                    f"{found.seconds:.1f}" if found.seconds else "-",
                    f"{found.lines / found.seconds:,.0f}" if found.seconds else "-",
                    found.does,
                )
                for found in measure(home, lines, share)
            ]
            print_table(f"Ingestion, {share:.0%} dirt", ("way", "lines", "seconds", "lines/s", "does"), rows)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    run_app(app)
