import json
from datetime import date
from pathlib import Path

import pyarrow as pa

from habitlake.cli.lake import query
from habitlake.clock import Interval
from habitlake.lake import arrow_schema, replace_nights, table_uri
from habitlake.tables import get_table


def know_dates_only(log: Path) -> None:
    """Leave of the statistics what ingestion writes: the event dates."""
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    for action in actions:
        if "add" in action:
            stats = json.loads(action["add"]["stats"])
            kept = {kind: {"event_date": stats[kind]["event_date"]} for kind in ("minValues", "maxValues", "nullCount")}
            action["add"]["stats"] = json.dumps({"numRecords": stats["numRecords"], **kept})
    log.write_text("\n".join(json.dumps(action) for action in actions))


def test_a_filter_finds_rows_of_files_whose_statistics_do_not_know_the_column(make_settings):
    """delta-rs takes a missing statistic for a bound that no value meets."""
    settings, nights = make_settings(), (date(2026, 1, 1), date(2026, 1, 2))
    schema = arrow_schema(get_table("silver.workouts"))
    empty = dict.fromkeys(schema.names)
    rows = [
        {**empty, "batch_date": night, "user_id": user, "event_id": f"{night.day}{user}", "event_date": night}
        for night in nights
        for user in "ab"
    ]
    replace_nights(pa.Table.from_pylist(rows, schema=schema), "silver.workouts", Interval(*nights), settings)
    for log in Path(table_uri("silver.workouts", settings)).glob("_delta_log/*.json"):
        know_dates_only(log)
    _, of_person = query("SELECT batch_date, event_id FROM silver.workouts WHERE user_id = 'a' ORDER BY ALL", settings)
    assert list(of_person) == [(nights[0], "1a"), (nights[1], "2a")]
    _, of_night = query(
        "SELECT event_id FROM silver.workouts WHERE batch_date = DATE '2026-01-02' ORDER BY 1", settings
    )
    assert list(of_night) == [("2a",), ("2b",)]
