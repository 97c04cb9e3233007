"""Write the page of a night: the last step of the nightly DAG before the night is closed.

``python -m habitlake.report --start 2026-01-05 [--end 2026-01-06]``; of several nights, the last one's page.
"""

import sys
from collections.abc import Mapping, Sequence

from habitlake.job import JobContext, run_job
from habitlake.report.write import write_night


def run(context: JobContext) -> Mapping[str, object]:
    """Write the page of the interval's last night."""
    written = write_night(context.settings, context.interval.end)
    empty = [key for key, missing in written.panels.items() if missing]
    return {
        "path": str(written.path),
        "kilobytes": round(written.path.stat().st_size / 1_000),
        "panels": len(written.panels),
        "empty": ", ".join(empty) or "none",
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("report", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
