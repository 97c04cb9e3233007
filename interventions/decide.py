"""Decide for every person what happens on the next local day and, as a fallback, on the two after it.

``python -m interventions.decide --start 2026-01-05 [--end 2026-01-06]``
"""

import hashlib
import sys
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time

import polars as pl

from habitlake.clock import Interval, first_day_after, night_end, zone
from habitlake.job import JobContext, run_job
from habitlake.lake import arrow_schema, replace_nights, scan_table
from habitlake.settings import Settings
from habitlake.tables import get_table
from interventions.library import Intervention, load_library
from interventions.policy import (
    NO_ACTION,
    POLICY_VERSION,
    candidates,
    choose,
    messages,
    payloads,
    probabilities,
    unavailable_reasons,
)
from interventions.triggers import TRIGGERS, fired_triggers, with_signals

HORIZONS = 3
MODEL = "adherence"
SEND_HOURS = {"early_morning": 8, "morning": 9, "midday": 12, "afternoon": 15, "evening": 18}
DEFAULT_SEND_HOUR = 9
QUIET_FROM_HOUR = 21
PROFILE_COLUMNS = ("user_id", "age", "notifications_allowed", "preferred_times", "communication_style", "language")
USED_FEATURES = tuple(dict.fromkeys(trigger.column for trigger in TRIGGERS))


def decision_key(batch_date: date, user_id: str, local_date: date, seed: int) -> tuple[str, int]:
    """Return the decision's id, which the seed does not change, and the derived seed of its draw in [0, 2**63)."""
    text = f"{batch_date}\x1f{user_id}\x1f{local_date}".encode()
    identity = hashlib.sha256(b"decision\x1f" + text).digest()
    draw = hashlib.sha256(f"draw\x1f{seed}\x1f".encode() + text).digest()
    return str(uuid.UUID(bytes=identity[:16], version=5)), int.from_bytes(draw[:8], "big") >> 1


def instants(zone_name: str, local_day: date, hour: int) -> tuple[datetime, datetime]:
    """Return when to send on a local day and when the decision expires (quiet hours begin), both in UTC."""
    in_zone = zone(zone_name)
    return tuple(  # type: ignore[return-value]
        datetime.combine(local_day, time(at), tzinfo=in_zone).astimezone(UTC) for at in (hour, QUIET_FROM_HOUR)
    )


def people_of_night(night: date, settings: Settings) -> pl.DataFrame:
    """Return one row per person: features of the night, the score, and the profile as known on the night."""
    features = scan_table("gold.user_features", settings, nights=Interval(night, night)).collect()
    scores = (
        scan_table("gold.predictions", settings, nights=Interval(night, night))
        .filter(pl.col("model") == MODEL)
        .select("user_id", "probability", "model", "model_version")
        .collect()
    )
    profiles = (
        scan_table("silver.profiles", settings, upto=night)
        .sort("event_at", "event_id", descending=True)
        .select(*PROFILE_COLUMNS)
        .unique("user_id", keep="first", maintain_order=True)
        .collect()
    )
    return features.join(scores, on="user_id", how="left").join(profiles, on="user_id", how="left").sort("user_id")


def decide(people: pl.DataFrame, night: date, seed: int, library: tuple[Intervention, ...]) -> pl.DataFrame:
    """Return the decisions of a night: one row per person and horizon, sent or not.

    Parameters
    ----------
    people
        Output of ``people_of_night``.
    seed
        Root seed of the draws.
    """
    signals = with_signals(people).with_columns(triggers=fired_triggers())
    judged = choose(signals, candidates(signals, library)).with_columns(unavailable_reasons=unavailable_reasons())
    nothing = (pl.col("unavailable_reasons").list.len() == 0) & pl.col("action").is_null()
    judged = judged.with_columns(
        unavailable_reasons=pl.when(nothing)
        .then(pl.concat_list(pl.col("unavailable_reasons"), pl.lit("no_eligible_intervention")))
        .otherwise(pl.col("unavailable_reasons"))
    ).with_columns(available=pl.col("unavailable_reasons").list.len() == 0)
    judged = judged.with_columns(
        message=messages(library),
        payload=payloads(library),
        features=pl.struct(*USED_FEATURES).struct.json_encode(),
        probability=probabilities(),
        hour=pl.col("preferred_times").list.first().replace_strict(SEND_HOURS, default=DEFAULT_SEND_HOUR, return_dtype=pl.Int64),
    )
    first_days = {name: first_day_after(night, name) for name in judged["time_zone"].unique()}
    rows = judged.join(pl.DataFrame({"horizon": list(range(HORIZONS))}, schema={"horizon": pl.Int32}), how="cross").with_columns(
        local_date=pl.col("time_zone").replace_strict(first_days, return_dtype=pl.Date) + pl.duration(days=pl.col("horizon"))
    )
    return _drawn(_timed(rows), night, seed)


def _timed(rows: pl.DataFrame) -> pl.DataFrame:
    keys = rows.select("time_zone", "local_date", "hour").unique()
    moments = [instants(*key) for key in keys.iter_rows()]
    schema = {"send_at": pl.Datetime("us", "UTC"), "expires_at": pl.Datetime("us", "UTC")}
    times = keys.hstack(pl.DataFrame(moments, schema=schema, orient="row"))
    return rows.join(times, on=["time_zone", "local_date", "hour"], how="left", maintain_order="left")


def _drawn(rows: pl.DataFrame, night: date, seed: int) -> pl.DataFrame:
    keys = [decision_key(night, user, day, seed) for user, day in rows.select("user_id", "local_date").iter_rows()]
    drawn = rows.with_columns(
        pl.Series("decision_id", [key for key, _ in keys], dtype=pl.String),
        pl.Series("seed", [draw for _, draw in keys], dtype=pl.Int64),
    )
    send = pl.col("available") & (pl.col("seed").cast(pl.Float64) / 2.0**63 < pl.col("probability"))
    drawn = drawn.with_columns(
        batch_date=pl.lit(night),
        decided_at=pl.lit(night_end(night)).cast(pl.Datetime("us", "UTC")),
        send=send,
        action=pl.when("available").then("action").otherwise(pl.lit(NO_ACTION)),
        channel=pl.when("available").then("channel"),
        message=pl.when("available").then("message"),
        payload=pl.when("available").then("payload"),
        policy_version=pl.lit(POLICY_VERSION),
    )
    return drawn.select(get_table("gold.decisions").column_names)


def run(context: JobContext) -> Mapping[str, object]:
    """Decide the nights of the interval and write gold.decisions."""
    library = load_library()
    tables = []
    for night in context.interval.nights():
        people = people_of_night(night, context.settings)
        if people.height:
            tables.append(decide(people, night, context.settings.seed, library))
    schema = arrow_schema(get_table("gold.decisions"))
    frame = pl.concat(tables).to_arrow().cast(schema) if tables else schema.empty_table()
    rows = replace_nights(frame, "gold.decisions", context.interval, context.settings)
    decided = pl.concat(tables) if tables else pl.DataFrame({"send": [], "available": []}, schema={"send": pl.Boolean, "available": pl.Boolean})
    return {"decisions": rows, "available": int(decided["available"].sum()), "send": int(decided["send"].sum())}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("decide", run, description=__doc__ or "", argv=argv)


if __name__ == "__main__":
    sys.exit(main())
