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
        Column(
            "frequency", "double", "session days over expected ones, at most 1, of 28 days or since the start (at least a"
            " week); expected is the weekly target, else 3 a week; null before the start"
        ),
        Column(
            "consistency", "double", "consistency_score of gold.user_features: how evenly four weeks met the expected"
            " session days, 0 to 1; null before the start and in the first week"
        ),
        Column(
            "context_stability", "double", "mean of time_of_day_consistency and of how far neighbouring weeks of 28 days"
            " repeat each other's weekdays (shared session days over all of both), 0 to 1; null with fewer than 3 sessions"
        ),
        Column(
            "habit_score", "double", "0.4 frequency + 0.4 consistency + 0.2 context stability, 0 to 1 (founding document);"
            " a part that is null adds nothing"
        ),
        Column(
            "strength", "double", "recursive habit strength, 0 to 1: grows by doing, fades a little on rest days and more"
            " on days with a plan and no session (docs/adr/0011)"
        ),
        Column("settled_date", "date", "the night minus 90 days: what arrives later for it or before changes no strength"),
        Column("settled_strength", "double", "strength at the end of the settled date, not rounded"),
        Column("automatic_on", "date", "first local date at whose end strength was 2/3 or more, as known; null before"),
        Column(
            "projected_automatic_on", "date", "date on which strength is expected to be automatic at the pace of the last"
            " 28 days; null when it is, before the start, and where the pace takes more than two years"
        ),
        Column("projected_earliest", "date", "lower end of the 80 % interval: the fast end of the pace's posterior"),
        Column("projected_latest", "date", "upper end of it; null where the slow end never gets there"),
        Column(
            "status", "string", "not_started, forming, automatic (strength of 2/3 or more) or lapsed (no session for 14"
            " complete days: one missed day is no lapse)"
        ),
        Column(
            "status_at_66_days", "string", "automatic within 66 days of the start, that day included: not_yet (day 66 is"
            " ahead), reached or missed; null before the start"
        ),
    ),
    keep_daily_days=120,
)  # fmt: skip

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
        Column("rank", "bigint", "rank among the person's findings of the verdict, 1 is the strongest; null where none"),
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
        Column(
            "workout_consistency", "double", "workoutConsistency: consistency_score of gold.user_features, 0 to 1; null"
            " when first seen less than a week ago"
        ),
        Column(
            "average_completion_rate", "double", "averageCompletionRate: completion_rate_30d of gold.user_features, 0 to 1;"
            " null without a rate"
        ),
        Column("streak_length", "bigint", "streakLength: streak_length_current of gold.user_features, session days"),
        Column("habit_score", "double", "habit_score of gold.habit_state, 0 to 1"),
        Column("habit_strength", "double", "strength of gold.habit_state, 0 to 1"),
        Column("habit_status", "string", "status of gold.habit_state: not_started, forming, automatic or lapsed"),
        Column(
            "successful_contexts", "string", "successfulContexts: JSON list of up to five patterns with the verdict success"
            " from gold.context_patterns, best first: circumstances, rates, counts, evidence"
        ),
        Column(
            "risk_factors", "string", "riskFactors: JSON list of up to five patterns with the verdict risk, worst first,"
            " then the body's: sleep_debt (1 hour a night or more), rising_stress (0.05 points a day or more),"
            " high_monotony (2 or more, Foster 1998), injury; each with value, limit and evidence"
        ),
        Column(
            "performance_improvement", "double", "performanceImprovement: change of a session's output at equal effort per"
            " four weeks, as a share of its mean; median slope (Theil-Sen) over the weeks of eight that have a session:"
            " load per mean heart rate where three weeks have one, else minutes; null with fewer than three weeks"
        ),
        Column(
            "goal_progress", "double", "goalProgress: that of the main goal (words of primary_goal: weight or fat, step or"
            " walk, strength or muscle, stress or relax; else sessions); of sessions where the main goal's is unknown"
        ),
        Column("goal_kind", "string", "goal that goal_progress is about: weight, sessions, steps, strength or stress"),
        Column(
            "goal_progress_weight", "double", "kilograms gone / to go at the first weight known, 0 to 1; null without"
            " weights and a target"
        ),
        Column(
            "goal_progress_sessions", "double", "sessions of 28 days / four weekly targets, at most 1; null without a target"
        ),
        Column(
            "goal_progress_steps", "double", "mean steps of the reported days of 28 / the steps goal of the profile, else"
            " 8,000 (Paluch 2022), at most 1; null without a report"
        ),
        Column(
            "goal_progress_strength", "double", "strength sessions of 28 days / 8 (two a week, WHO 2020), at most 1; null"
            " with sessions of unknown kind alone"
        ),
        Column(
            "goal_progress_stress", "double", "share of the way from the mean stress of the first 28 of 90 days to 4 of 10"
            " that the last 28 days have gone; 1 at 4 or less; null without reports in either"
        ),
        Column(
            "engagement_score", "double", "engagementScore: mean of four shares of 28 days, or since first seen: days with an"
            " app visit, weeks with a plan, messages opened of those delivered (left out without any), days with a"
            " report of sleep or state, 0 to 1; own definition"
        ),
    ),
    keep_daily_days=120,
)  # fmt: skip

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
