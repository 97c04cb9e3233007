"""The zone a person was in: profile versions as known in a batch, DST-safe local dates."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from habitlake.clock import known_zones

PROFILE_FIELDS = ("time_zone", "target_sessions_per_week")


def profile_versions(profiles: DataFrame) -> DataFrame:
    """Return one row per user: ``versions``, an array of (event_at, batch_date, time_zone, target_sessions_per_week).

    A version whose zone is not in the IANA database keeps its other fields and has no zone.
    """
    zone = F.when(F.col("time_zone").isin(sorted(known_zones())), F.col("time_zone"))
    version = F.struct("event_at", "batch_date", zone.alias("time_zone"), "target_sessions_per_week")
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


def local_date(instant: Column, zone: Column) -> Column:
    """Return the calendar date of an instant in a zone (the session's zone is UTC)."""
    return F.to_date(F.from_utc_timestamp(instant, zone))
