"""Gold about each person: habit, context patterns, the record that the app reads, and the sequence for models.

Each is a snapshot: partition N holds every person as known at the end of night N.
"""

from habitlake.tables.base import BATCH_DATE, USER_ID, Column, Table

EVENT_TIMESTAMP = Column("event_timestamp", "timestamp", "end of the night's interval: what Feast joins on")
CREATED_TIMESTAMP = Column("created_timestamp", "timestamp", "end of the night's interval: when the row could be known")
AS_OF_DATE = Column("as_of_date", "date", "last complete local day that the row covers")
# What a dimension of a pattern holds where the pattern runs over all of its values.
ANY = "any"
SEQUENCE_DAYS = 30
# What a day of the sequence holds, in this order; null where nothing was reported.
SEQUENCE_CHANNELS = (
    ("sessions", "workouts completed"),
    ("completion_rate", "mean completion rate of sessions, 0 to 1"),
    ("load", "session load, minutes times intensity weight"),
    ("planned", "workouts planned"),
    ("skipped", "planned workouts skipped"),
    ("sleep_hours", "hours asleep"),
    ("stress", "mean stress report, 1 to 10"),
    ("energy", "mean energy report, 1 to 10"),
    ("app_minutes", "minutes on screen"),
    ("observed", "1 with any sign of use, else 0"),
)

HABIT_STATE = Table(
    name="gold.habit_state",
    grain="one row per user and night: how far training has become a habit, as known at the end of the batch",
    key=("batch_date", "user_id"),
    columns=(
        BATCH_DATE,
        USER_ID,
        AS_OF_DATE,
        Column("first_session_date", "date", "local date of the first session known, the start; null before it"),
        Column("days_since_start", "bigint", "local days from the start to the as-of date; null before it"),
        Column("frequency", "double", "session days over expected session days, 28 days or since the start, 0 to 1"),
        Column("consistency", "double", "how evenly the weeks met the expected session days, 0 to 1"),
        Column("context_stability", "double", "how alike the circumstances of sessions are, 0 to 1"),
        Column("habit_score", "double", "0.4 frequency + 0.4 consistency + 0.2 context stability, 0 to 1"),
        Column("strength", "double", "recursive habit strength: grows by doing, decays otherwise, 0 to 1"),
        Column("settled_date", "date", "local date up to which the strength is settled: later corrections leave it"),
        Column("settled_strength", "double", "strength at the end of the settled date, not rounded"),
        Column("automatic_on", "date", "as-of date of the first night on which strength was automatic; null before"),
        Column("projected_automatic_on", "date", "date on which strength is expected to be automatic at this pace"),
        Column("projected_earliest", "date", "lower end of the 80 % interval of the projected date"),
        Column("projected_latest", "date", "upper end of it; null where the slow end never gets there"),
        Column("status", "string", "not_started, forming, automatic or lapsed"),
        Column("status_at_66_days", "string", "not_yet (day 66 is ahead), reached or missed: automatic by day 66"),
    ),
    keep_daily_days=120,
)

CONTEXT_PATTERNS = Table(
    name="gold.context_patterns",
    grain="one row per user, night and circumstances with attempts in the look-back window: cells and their margins",
    key=("batch_date", "user_id", "dimension", "time_slot", "weekday", "weather_band", "location", "with_whom"),
    columns=(
        BATCH_DATE,
        USER_ID,
        Column(
            "dimension", "string", "overall, cell (slot, weekday, weather, place), time_slot, weekday, weather_band,"
            " location or with_whom"
        ),
        Column("time_slot", "string", f"part of the day, or {ANY}"),
        Column("weekday", "string", f"monday to sunday, or {ANY}"),
        Column("weather_band", "string", f"wet, cold, hot, fair or unknown, or {ANY}"),
        Column("location", "string", f"home, gym, outdoors, work, other or unknown, or {ANY}"),
        Column("with_whom", "string", f"alone, partner, group or unknown, or {ANY}"),
        Column("attempts", "bigint", "workouts completed or skipped in these circumstances"),
        Column("completed", "bigint", "workouts completed in these circumstances"),
        Column("success_rate", "double", "completed / attempts"),
        Column("shrunken_rate", "double", "success rate drawn towards the person's rate, and that to the population's"),
        Column("interval_low", "double", "lower end of the 90 % interval of the shrunken rate"),
        Column("interval_high", "double", "upper end of the 90 % interval of the shrunken rate"),
        Column("frequency", "double", "attempts per week of the window in which the person is known, at least one week"),
        Column("confidence", "double", "1 - width of the interval, 0 to 1"),
        Column("verdict", "string", "success or risk (80 % sure to differ by 5 points from the own rate), neutral, or thin"),
        Column("rank", "bigint", "rank among the person's patterns of the same verdict, 1 is the strongest"),
        Column("evidence", "string", "the finding in one sentence with its numbers; null where thin or neutral"),
    ),
    keep_daily_days=30,
)  # fmt: skip

USER_ANALYTICS = Table(
    name="gold.user_analytics",
    grain="one row per user and night: the record of a person that the app reads",
    key=("batch_date", "user_id"),
    columns=(
        BATCH_DATE,
        USER_ID,
        EVENT_TIMESTAMP,
        CREATED_TIMESTAMP,
        AS_OF_DATE,
        Column("workout_consistency", "double", "how evenly the last four weeks met the expected session days, 0 to 1"),
        Column("average_completion_rate", "double", "mean completion rate of sessions, 30 days, 0 to 1"),
        Column("streak_length", "bigint", "session days since the last break"),
        Column("habit_score", "double", "0.4 frequency + 0.4 consistency + 0.2 context stability, 0 to 1"),
        Column("habit_strength", "double", "recursive habit strength, 0 to 1"),
        Column("habit_status", "string", "not_started, forming, automatic or lapsed"),
        Column("successful_contexts", "string", "JSON list of the person's best circumstances, best first"),
        Column("risk_factors", "string", "JSON list of what goes with missed workouts, strongest first"),
        Column("performance_improvement", "double", "change of output at equal effort per four weeks, share"),
        Column("goal_progress", "double", "progress of the person's main goal, 0 to 1"),
        Column("goal_progress_weight", "double", "share of the way to the target weight, 0 to 1"),
        Column("goal_progress_sessions", "double", "sessions of 28 days over four weekly targets, at most 1"),
        Column("goal_progress_steps", "double", "mean daily steps of 28 days over the steps goal, at most 1"),
        Column("goal_progress_strength", "double", "strength sessions of 28 days over their goal, at most 1"),
        Column("goal_progress_stress", "double", "share of the way from the first stress level to the goal, 0 to 1"),
        Column("engagement_score", "double", "how much the person uses the app and answers it, 0 to 1"),
    ),
    keep_daily_days=120,
)

USER_SEQUENCE = Table(
    name="gold.user_sequence",
    grain=f"one row per user and night: the last {SEQUENCE_DAYS} complete local days as sequence models read them",
    key=("batch_date", "user_id"),
    columns=(
        BATCH_DATE,
        USER_ID,
        AS_OF_DATE,
        *(
            Column(name, "array<float>", f"{what}, {SEQUENCE_DAYS} days, the as-of date last")
            for name, what in SEQUENCE_CHANNELS
        ),
    ),
    keep_daily_days=30,
)

PEOPLE_TABLES = (HABIT_STATE, CONTEXT_PATTERNS, USER_ANALYTICS, USER_SEQUENCE)
