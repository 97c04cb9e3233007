"""Apply the definitions and bring the newest snapshots online.

``python -m feature_repo.materialize --start 2026-01-05 [--end 2026-01-06]``

Online values are the newest that are known: a rerun or backfill of an older night never overwrites them.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from feature_repo.store import apply_definitions, feature_store, online_store
from habitlake.clock import Interval, night_end
from habitlake.job import JobContext, run_job
from habitlake.lake import count_rows, stored_nights
from habitlake.settings import Settings


def _record(settings: Settings) -> dict[str, str]:
    path = settings.home / "feast" / "materialized.json"
    return json.loads(path.read_text()) if path.exists() else {}


def _save_record(record: Mapping[str, str], settings: Settings) -> None:
    path = settings.home / "feast" / "materialized.json"
    path.write_text(json.dumps(dict(record), sort_keys=True))


def newest_to_serve(interval: Interval, stored: Sequence[date], served: date | None) -> date | None:
    """Return the night to bring online: the interval's newest snapshot, unless a newer one is online already."""
    nights = [night for night in stored if interval.start <= night <= interval.end]
    if not nights or (served is not None and nights[-1] < served):
        return None
    return nights[-1]


def run(context: JobContext) -> Mapping[str, object]:
    """Materialize the newest night of the interval."""
    settings = context.settings
    # A store that was exchanged for another one starts empty.
    target = str(online_store(settings).get("path") or "redis")
    record = _record(settings)
    served = date.fromisoformat(record[target]) if target in record else None
    night = newest_to_serve(context.interval, stored_nights("gold.user_features", settings), served)
    if night is None:
        context.log.info(
            "nothing to materialize: no snapshot in these nights, or a newer one is online", online=str(served)
        )
        return {"rows": 0}
    from feature_repo.definitions import SERVED, view_name

    store = feature_store(settings)
    apply_definitions(store, settings)
    end = night_end(night)
    # Feast's window is open at its start; the snapshot carries the night's end.
    # A view whose table lacks the night is left alone: what is online of it has its own age.
    rows = {view_name(name): count_rows(name, settings, Interval(night, night)) for name in SERVED}
    views = [view for view, number in rows.items() if number]
    store.materialize(start_date=end - timedelta(hours=1), end_date=end + timedelta(seconds=1), feature_views=views)
    _save_record({**record, target: night.isoformat()}, settings)
    return {"night": str(night), "rows": sum(rows.values()), **rows}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("materialize", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
