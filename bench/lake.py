"""A lake of many people, written straight into the ledgers: what the features job reads on a large night.

History is drawn per night from hashes of person and day (the same numbers for the same size, with no state) and written
as the features job would have written it. The last two nights come as silver events instead, so that the job builds
their ledgers itself: the first of the two makes the snapshots that the measured night starts from.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import pyarrow as pa

from habitlake.clock import ONE_DAY, Interval
from habitlake.lake import arrow_schema, replace_nights_stream
from habitlake.settings import Settings
from habitlake.tables import get_table

NIGHT = date(2026, 3, 31)
ACTIVE_SHARE = 0.4
ZONES = ("Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "UTC")
# Of the days on which a person is active: how many hold what (count, sum in the ledger's units, from, span).
REPORTS = {
    ("motivation_count", "motivation_permille"): (0.5, 1000, 9000),
    ("preparation_count", "preparation_s"): (0.3, 60, 1200),
    ("sleep_count", "sleep_s"): (0.6, 14_400, 21_600),
    ("sleep_efficiency_count", "sleep_efficiency_permille"): (0.3, 600, 400),
    ("stress_count", "stress_permille"): (0.5, 1000, 9000),
    ("energy_count", "energy_permille"): (0.4, 1000, 9000),
    ("soreness_count", "soreness_permille"): (0.4, 1000, 9000),
    ("mood_count", "mood_permille"): (0.4, 1000, 9000),
    ("hrv_count", "hrv_deci_ms"): (0.4, 200, 1000),
    ("resting_heart_rate_count", "resting_heart_rate_deci"): (0.4, 450, 400),
    ("steps_count", "steps"): (0.4, 500, 15_000),
    ("rating_count", "rating_permille"): (0.02, 1000, 4000),
}
ATTEMPTS, COMPLETED = 0.35, 0.75

# The outer hash makes draws of different salts independent: the inner one only adds the salt's bits.
MACROS = f"""
CREATE MACRO draw(person, day, salt) AS (hash(hash(person * 100003 + day, salt)) >> 11)::DOUBLE / 9007199254740992;
CREATE MACRO user_name(person) AS 'user-' || lpad(CAST(person AS VARCHAR), 8, '0');
CREATE MACRO active(people, day) AS TABLE
    SELECT person, user_name(person) AS user_id,
           draw(person, day, 'attempt') < {ATTEMPTS} AS tried,
           draw(person, day, 'done') < {COMPLETED} AS done
    FROM range(people) AS everyone(person)
    -- People differ: some are there one day in ten, some nearly every day.
    WHERE draw(person, day, 'active') < 0.1 + draw(person, 0, 'keen') * {2 * (ACTIVE_SHARE - 0.1)};
CREATE MACRO pick(person, day, salt, choices) AS choices[1 + CAST(floor(draw(person, day, salt) * len(choices)) AS INT)];
"""

CONTEXT = """
    pick(person, $day, 'slot', ['early_morning', 'morning', 'midday', 'afternoon', 'evening']) AS {slot},
    pick(person, $day, 'place', ['home', 'gym', 'outdoors']) AS location,
    pick(person, $day, 'whom', ['alone', 'alone', 'partner', 'group']) AS {whom},
"""
WORKOUT_TYPE = "pick(person, $day, 'type', ['run', 'strength', 'yoga', 'cycling'])"
BARRIER = "pick(person, $day, 'barrier', ['no_time', 'tired', 'weather'])"
ZONE = f"pick(person, 0, 'zone', {list(ZONES)})"
FEATURE = "pick(person, $day, 'feature', ['plan', 'stats', 'social', 'coach'])"


@dataclass(frozen=True, slots=True)
class Lake:
    """A generated lake: its people, the nights of history, and the two nights that come as events."""

    people: int
    history: int

    @property
    def first(self) -> date:
        """The first night of history."""
        return NIGHT - timedelta(days=self.history)


def _user_day() -> str:
    """Return the SQL of a night's entries: the day itself, days corrected late, and plans for days ahead."""
    done, reports = "CAST(tried AND done AS BIGINT)", []
    for (count, value), (share, low, span) in REPORTS.items():
        given = f"draw(person, $day, '{count}') < {share}"
        reports += [
            f"CAST({given} AS BIGINT) AS {count}",
            f"CASE WHEN {given} THEN CAST({low} + {span} * draw(person, $day, '{value}') AS BIGINT) ELSE 0 END AS {value}",
        ]
    minutes = "CAST(20 + 40 * draw(person, $day, 'minutes') AS BIGINT)"
    return f"""
    SELECT user_id, CAST($night AS DATE) AS local_date, CAST(2 + 5 * draw(person, $day, 'events') AS BIGINT) AS events,
        CAST(draw(person, $day, 'planned') < 0.1 AS BIGINT) AS workouts_planned, {done} AS workouts_started,
        {done} AS workouts_completed, CAST(tried AND NOT done AS BIGINT) AS workouts_skipped,
        {done} * CAST(draw(person, $day, 'whom') > 0.5 AS BIGINT) AS partner_sessions,
        {done} * {minutes} * 60 AS duration_s, {done} * {minutes} * 2000 AS load_au,
        {done} AS completion_count, {done} * CAST(400 + 600 * draw(person, $day, 'rate') AS BIGINT) AS completion_permille,
        {done} AS intensity_count, {done} * 2000 AS intensity_permille,
        {done} AS heart_rate_count, {done} * CAST(1100 + 500 * draw(person, $day, 'heart') AS BIGINT) AS heart_rate_deci,
        CAST(1 + 2 * draw(person, $day, 'visits') AS BIGINT) AS app_visits,
        CAST(60 + 1740 * draw(person, $day, 'screen') AS BIGINT) AS screen_s,
        CAST(draw(person, $day, 'barred') < 0.1 AS BIGINT) AS barriers, 0 AS skip_reasons, {", ".join(reports)},
        0 AS injuries_started, 0 AS injuries_resolved, CAST(draw(person, $day, 'sent') < 0.3 AS BIGINT) AS
        interventions_delivered, CAST(draw(person, $day, 'sent') < 0.1 AS BIGINT) AS interventions_opened,
        CAST(draw(person, $day, 'sent') < 0.05 AS BIGINT) AS interventions_acted
    FROM active($people, $day)
    UNION ALL BY NAME
    SELECT user_id, CAST($night AS DATE) - 3 AS local_date, 1 AS events, 1 AS sleep_count, 25200 AS sleep_s
    FROM active($people, $day) WHERE draw(person, $day, 'late') < 0.03
    UNION ALL BY NAME
    SELECT user_id, CAST($night AS DATE) + 2 AS local_date, 1 AS workouts_planned
    FROM active($people, $day) WHERE draw(person, $day, 'plan') < 0.15
    """


LEDGERS = {
    "gold.user_day": _user_day(),
    "gold.user_day_context": f"""
    SELECT user_id, CAST($night AS DATE) AS local_date, {CONTEXT.format(slot="time_slot", whom="with_whom")}
        pick(person, $day, 'weather', ['fair', 'fair', 'wet', 'cold', 'unknown']) AS weather_band,
        CAST(done AS BIGINT) AS completed, CAST(NOT done AS BIGINT) AS skipped,
        CAST(done AS BIGINT) * CAST(-1000 + 2000 * draw(person, $day, 'cos') AS BIGINT) AS start_cos_permille,
        CAST(done AS BIGINT) * CAST(-1000 + 2000 * draw(person, $day, 'sin') AS BIGINT) AS start_sin_permille
    FROM active($people, $day) WHERE tried
    """,
    "gold.user_day_category": f"""
    SELECT user_id, CAST($night AS DATE) AS local_date, unnest([
        {{kind: 'workout_type', value: CASE WHEN tried AND done THEN {WORKOUT_TYPE} END}},
        {{kind: 'barrier', value: CASE WHEN draw(person, $day, 'barred') < 0.1 THEN {BARRIER} END}},
        {{kind: 'app_feature', value: CASE WHEN draw(person, $day, 'used') < 0.25 THEN {FEATURE} END}}
        ], recursive := true), 1 AS mentions
    FROM active($people, $day)
    """,
}

_SCORE = "round(1 + 9 * draw(person, $day, '{}'), 1) AS {}"
_EVENT = "user_id, CAST($night AS TIMESTAMP) + INTERVAL (CAST(3600 * {hour} AS BIGINT)) SECOND AS event_at"
_HOUR = "(6 + 14 * draw(person, $day, '{}'))"


def _events(hour: str, columns: str, where: str = "true") -> str:
    return f"SELECT {_EVENT.format(hour=hour)}, {columns} FROM active($people, $day) WHERE {where}"


EVENTS = {
    "silver.workouts": (
        _events(
            _HOUR.format("workout"),
            f"""CASE WHEN done THEN 'workout_completed' ELSE 'workout_skipped' END AS event_type,
            {CONTEXT.format(slot="time_of_day", whom="social_context")} {WORKOUT_TYPE} AS workout_type,
            pick(person, $day, 'weather', ['clear', 'rain', 'cloudy']) AS weather,
            floor(60 * (20 + 40 * draw(person, $day, 'minutes'))) AS duration_s, 'medium' AS intensity,
            round(0.4 + 0.6 * draw(person, $day, 'rate'), 3) AS completion_rate,
            110 + floor(50 * draw(person, $day, 'heart')) AS heart_rate_avg,
            CASE WHEN NOT done THEN 'no_time' END AS skip_reason""",
            "tried",
        )
        + " UNION ALL BY NAME "
        + _events(
            "20",
            "'workout_planned' AS event_type, CAST($night AS TIMESTAMP) + INTERVAL 60 HOUR AS planned_for",
            "draw(person, $day, 'plan') < 0.15",
        )
    ),
    "silver.interactions": (
        " UNION ALL BY NAME ".join(
            _events(
                str(hour),
                f"""'app_interaction' AS event_type, floor(60 + 1740 * draw(person, $day, 'screen-{hour}')) AS
                screen_time_s, [{FEATURE}] AS features_used, {_SCORE.format("motivation", "motivation_level")},
                CASE WHEN draw(person, $day, 'barred') < 0.1 THEN [{BARRIER}] END AS barriers,
                floor(1 + 20 * draw(person, $day, 'preparation')) AS preparation_time_min""",
            )
            for hour in (8, 19)
        )
    ),
    "silver.wellbeing": (
        _events(
            "7",
            """'sleep_logged' AS event_type, floor(14400 + 21600 * draw(person, $day, 'sleep')) AS sleep_duration_s,
            round(0.6 + 0.4 * draw(person, $day, 'efficiency'), 3) AS sleep_efficiency""",
        )
        + " UNION ALL BY NAME "
        + _events(
            "21",
            f"""'daily_wellbeing' AS event_type, {
                ", ".join(_SCORE.format(name, name) for name in ("stress", "energy", "soreness", "mood"))
            }, floor(20 + 100 * draw(person, $day, 'hrv')) AS hrv_ms,
            floor(45 + 40 * draw(person, $day, 'resting')) AS resting_heart_rate,
            floor(500 + 15000 * draw(person, $day, 'steps')) AS steps""",
        )
    ),
    "silver.intervention_events": _events(
        "9", "'intervention_delivered' AS event_type", "draw(person, $day, 'sent') < 0.3"
    )
    + " UNION ALL BY NAME "
    + _events("10", "'intervention_opened' AS event_type", "draw(person, $day, 'sent') < 0.1"),
}

# What a profile says beside the zone, targets and preferred times.
PERSON = {
    "age": "CAST(15 + 50 * draw(person, 0, 'years') AS BIGINT)",
    "notifications_allowed": "draw(person, 0, 'consent') < 0.92",
    "language": "pick(person, 0, 'language', ['en', 'de'])",
    "communication_style": "pick(person, 0, 'style', ['encouraging', 'direct', 'playful'])",
    "fitness_level": "pick(person, 0, 'level', ['beginner', 'intermediate', 'advanced'])",
    "primary_goal": "pick(person, 0, 'goal', ['weight_loss', 'strength_building', 'stress_relief', 'endurance'])",
    "workout_types": "[pick(person, 0, 'kind', ['hiit', 'yoga', 'strength', 'run', 'cycling', 'swim'])]",
    "workout_duration_min": "[20 + floor(30 * draw(person, 0, 'length')), 50.0]",
    "available_time_min": "30 + floor(40 * draw(person, 0, 'time'))",
    "equipment": "[pick(person, 0, 'owns', ['dumbbells', 'mat', 'bands', 'kettlebell', 'bicycle'])]",
    "injury_history": "CASE WHEN draw(person, 0, 'past') < 0.2 THEN ['knee'] ELSE [] END",
    "health_conditions": """CASE WHEN draw(person, 0, 'states') < 0.03 THEN [pick(person, 0, 'condition',
        ['pregnancy', 'postpartum', 'limited_walking', 'heart_condition'])] END""",
    "schedule_json": """'{"monday":{"available":true},"sunday":{"available":' || (draw(person, 0, 'free') < 0.5) || '}}'""",
}
PROFILES = f"""
    SELECT user_name(person) AS user_id, 'profile_updated' AS event_type, CAST($night AS TIMESTAMP) AS event_at,
        {ZONE} AS time_zone, {", ".join(f"{sql} AS {name}" for name, sql in PERSON.items())},
        2 + floor(4 * draw(person, $day, 'target')) AS target_sessions_per_week,
        [pick(person, $day, 'preferred', ['morning', 'evening'])] AS preferred_times,
        60 + floor(40 * draw(person, $day, 'weight')) AS weight_kg,
        55 + floor(40 * draw(person, $day, 'target weight')) AS target_weight_kg
    FROM range($people) AS everyone(person) WHERE $day > 0
"""


def _filled(rows: pa.Table, name: str, night: date) -> pa.Table:
    """Return the rows with every column of the table: absent counts are 0, absent texts and reports null."""
    schema, size = arrow_schema(get_table(name)), rows.num_rows
    columns = []
    for field in schema:
        if field.name == "batch_date":
            column = pa.repeat(pa.scalar(night, field.type), size)
        elif field.name not in rows.column_names:
            column = pa.nulls(size, field.type)
        else:
            column = rows[field.name].cast(field.type)
        is_count = name.startswith("gold.") and pa.types.is_integer(field.type)
        columns.append(column.fill_null(0) if is_count else column)
    return pa.table(columns, schema=schema)


def write_rows(
    connection: duckdb.DuckDBPyConnection, sql: str, name: str, night: date, settings: Settings, people: int
) -> None:
    """Write one night of a table from SQL over ``$people``, ``$night`` and its number ``$day``."""

    def chunks() -> Iterator[pa.Table]:
        values = {"night": str(night), "day": night.toordinal(), "people": people}
        used = {key: value for key, value in values.items() if f"${key}" in sql}
        rows = connection.sql(sql, params=used).to_arrow_table()
        if name == "gold.user_day_category":
            rows = rows.filter(rows["value"].is_valid())
        yield _filled(rows, name, night)

    replace_nights_stream(chunks, name, Interval(night, night), settings)


def connected() -> duckdb.DuckDBPyConnection:
    """Return a connection that knows the macros which draw people and their days."""
    connection = duckdb.connect()
    for setting in ("threads = 2", "TimeZone = 'UTC'", "preserve_insertion_order = false"):
        connection.execute(f"SET {setting}")
    connection.execute(MACROS)
    return connection


def generate(settings: Settings, people: int, history: int) -> Lake:
    """Write a lake of so many people: ledgers of ``history`` nights before NIGHT, the last and NIGHT as events."""
    connection = connected()
    lake = Lake(people, history)
    write_rows(connection, PROFILES, "silver.profiles", lake.first, settings, people)
    for night in Interval(lake.first, NIGHT).nights():
        for name, sql in (EVENTS if night >= NIGHT - ONE_DAY else LEDGERS).items():
            write_rows(connection, sql, name, night, settings, people)
    return lake
