"""The zone a person was in: profile versions as known in a batch, DST-safe local dates."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from habitlake.clock import known_zones


def profile_versions(profiles: DataFrame, fields: Sequence[str] = ()) -> DataFrame:
    """Return one row per user: ``versions``, an array of (event_at, batch_date, time_zone, and the fields asked for).

    A version whose zone is not in the IANA database keeps its other fields and has no zone.
    """
    zone = F.when(F.col("time_zone").isin(sorted(known_zones())), F.col("time_zone"))
    version = F.struct("event_at", "batch_date", zone.alias("time_zone"), *fields)
    return profiles.groupBy("user_id").agg(F.collect_list(version).alias("versions"))


def offset_zone(offset_s: Column) -> Column:
    """Return a fixed-offset zone such as ``+05:30`` from seconds."""
    sign = F.when(offset_s < 0, F.lit("-")).otherwise(F.lit("+"))
    minutes = F.abs(offset_s) / 60
    return F.concat(
        sign,
        F.lpad((minutes / 60).cast("int").cast("string"), 2, "0"),
        F.lit(":"),
        F.lpad((minutes % 60).cast("int").cast("string"), 2, "0"),
    )


def zone_in_force(versions: Column, batch_date: Column, instant: Column, fallback: Column) -> Column:
    """Return the zone in force at an instant, as known in a batch.

    The version with the greatest event time up to the instant, among those of batches up to this one; else
    the earliest version known; else the fallback (the event's own offset).
    """
    known = F.filter(versions, lambda v: (v.batch_date <= batch_date) & v.time_zone.isNotNull())
    past = F.filter(known, lambda v: v.event_at <= instant)
    return F.coalesce(F.array_max(past).time_zone, F.array_min(known).time_zone, fallback)


def newest_version(versions: Column, night: Column) -> Column:
    """Return the profile version with the greatest event time among those known on the night."""
    return F.array_max(F.filter(versions, lambda v: v.batch_date <= night))


def newest_zone(versions: Column, night: Column) -> Column:
    """Return the zone of the newest version that has one, as known on the night; UTC for a person without any."""
    known = F.filter(versions, lambda v: (v.batch_date <= night) & v.time_zone.isNotNull())
    return F.coalesce(F.array_max(known).time_zone, F.lit("UTC"))


def with_local_time(events: DataFrame, profiles: DataFrame) -> DataFrame:
    """Add ``local_date`` and ``local_at`` (wall-clock time) of the instant ``at``, in the zone in force, as known.

    Parameters
    ----------
    events
        Rows with user_id, batch_date, at and event_offset_s.
    profiles
        Profile versions of all batches up to the last one of the events.
    """
    zone = zone_in_force(F.col("versions"), F.col("batch_date"), F.col("at"), offset_zone(F.col("event_offset_s")))
    return (
        events.join(profile_versions(profiles), on="user_id", how="left")
        .withColumn("local_at", F.from_utc_timestamp("at", zone))
        .withColumn("local_date", F.to_date("local_at"))
        .drop("versions")
    )
