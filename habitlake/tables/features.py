"""The feature registry: every feature of a person declared once, with what its number means.

From these declarations come the columns of gold.user_features, the Feast schema, the ranges that the gold gate
holds, the descriptions in dbt's sources, and docs/data_dictionary/features.md.

Windows are complete local days of the person up to the as-of date. "Success" of an attempt is a completed workout, as
opposed to a skipped one; a rate is told only where ``MIN_SUPPORT`` attempts stand behind it.
"""

from dataclasses import dataclass
from enum import StrEnum

from habitlake.tables.base import Column

MIN_SUPPORT = 3
MIN_TREND_DAYS = 3
EWMA_ACUTE_DAYS = 7
EWMA_CHRONIC_DAYS = 28
LEAST_SQUARES = "least squares over reports, time in days"
NO_REPORT = "no report in the window"
FEW_DAYS = f"fewer than {MIN_TREND_DAYS} days with a report"
FEW_SESSIONS = f"fewer than {MIN_SUPPORT} sessions"
OWN = "own definition"
SEED = "founding document"


class Group(StrEnum):
    """What a feature tells about."""

    TEMPORAL = "temporal"
    BEHAVIOURAL = "behavioural"
    CONTEXTUAL = "contextual"
    RECOVERY = "recovery"
    GOAL = "goal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature(Column):
    """A feature: its column, and all that a reader of the number must know.

    ``null_means`` says what a missing value means; None where the feature is never null.
    """

    group: Group
    unit: str
    window: str
    formula: str
    source: str = OWN
    minimum: float | None = None
    maximum: float | None = None
    null_means: str | None = None
    entity: str = "user"
    owner: str = "data-platform"


def _feature(
    name: str, group: Group, description: str, unit: str, window: str, formula: str, **more: object
) -> Feature:
    kind = "bigint" if unit in {"sessions", "days", "workouts", "messages", "flag", "values"} else "double"
    kind = "string" if unit == "text" else kind
    return Feature(
        name=name,
        sql_type=kind,
        description=description,
        group=group,
        unit=unit,
        window=window,
        formula=formula,
        **more,  # type: ignore[arg-type]
    )


def _level(name: str, what: str, unit: str, formula: str, low: float, high: float, group: Group) -> Feature:
    return _feature(
        name, group, f"mean {what}, 7 days", unit, "7 days", formula, minimum=low, maximum=high, null_means=NO_REPORT
    )


def _trend(name: str, what: str, unit: str, group: Group) -> Feature:
    return _feature(
        name, group, f"slope of {what}, per day, 30 days", f"{unit} per day", "30 days", LEAST_SQUARES,
        null_means=FEW_DAYS,
    )  # fmt: skip


T, B, C, R, G = Group.TEMPORAL, Group.BEHAVIOURAL, Group.CONTEXTUAL, Group.RECOVERY, Group.GOAL

TEMPORAL = (
    _feature(
        "workout_frequency_7d", T, "sessions per day over the last 7 complete local days", "sessions per day", "7 days",
        "sessions / 7", source=SEED, minimum=0, maximum=24,
    ),
    _feature(
        "workout_frequency_30d", T, "sessions per day over the last 30 complete local days", "sessions per day",
        "30 days", "sessions / 30", source=SEED, minimum=0, maximum=24,
    ),
    _feature(
        "sessions_7d", T, "sessions in the last 7 complete local days", "sessions", "7 days", "count", minimum=0
    ),
    _feature(
        "sessions_28d", T, "sessions in the last 28 complete local days", "sessions", "28 days", "count", minimum=0
    ),
    _feature(
        "active_days_28d", T, "days with a session in the last 28 complete local days", "days", "28 days", "count",
        minimum=0, maximum=28,
    ),
    _feature(
        "observed_days_28d", T, "days with any sign of use in the last 28 complete local days", "days", "28 days",
        "count", minimum=0, maximum=28,
    ),
    _feature(
        "days_since_last_session", T, "complete local days since the last session within 90 days", "days", "90 days",
        "as-of date minus the last session's date", source="recency, seed", minimum=0, maximum=89,
        null_means="no session in 90 days",
    ),
    _feature(
        "days_since_first_event", T, "local days since the person was first seen", "days", "all history",
        "as-of date minus the first local date, at least 0", minimum=0,
    ),
    _feature(
        "streak_length_current", T, "session days since the last break", "days", "90 days",
        "rest days that were never planned break nothing; a missed plan or 7 days without a session do",
        source="founding document; rule of ADR 0005", minimum=0, maximum=90,
    ),
    _feature(
        "streak_length_longest", T, "longest streak of session days", "days", "90 days",
        "as streak_length_current", source="founding document; rule of ADR 0005", minimum=0, maximum=90,
    ),
    _feature(
        "consistency_score", T, "how evenly the weeks met the person's expected sessions", "share", "28 days",
        "mean over the last four 7-day weeks of min(1, session days / expected); expected is the weekly target, else"
        " the habitual weekly sessions rounded, at least 1; only weeks the person was there for count",
        source="seed's consistency, own definition", minimum=0, maximum=1, null_means="first seen less than a week ago",
    ),
    _feature(
        "time_of_day_consistency", T, "how close together in the day sessions start", "share", "30 days",
        "mean resultant length of the starting times on the 24-hour circle",
        source="circular statistics (Mardia and Jupp 2000)", minimum=0, maximum=1, null_means=FEW_SESSIONS,
    ),
    _feature(
        "day_of_week_consistency", T, "how concentrated sessions are on the same weekdays", "share", "30 days",
        "1 - entropy of sessions over weekdays / ln 7", source="normalised entropy (Shannon 1948)", minimum=0,
        maximum=1, null_means=FEW_SESSIONS,
    ),
)  # fmt: skip

BEHAVIOURAL = (
    _feature(
        "completion_rate_30d", B, "mean completion rate of sessions, 30 days", "share", "30 days",
        "sum of rates / sessions with a rate", minimum=0, maximum=1, null_means="no session with a completion rate",
    ),
    _feature(
        "completion_rate_trend", B, "robust slope of completion rates, per day, 30 days", "share per day", "30 days",
        "median of the slopes between the means of six 5-day periods", source="Theil-Sen (Sen 1968); founding document",
        minimum=-0.2, maximum=0.2, null_means="fewer than 3 periods with a completion rate",
    ),
    _feature(
        "intensity_progression", B, "slope of the intensity of sessions, per day, 30 days", "intensity per day",
        "30 days", f"low 1, medium 2, high 3; {LEAST_SQUARES}", source="founding document", null_means=FEW_DAYS,
    ),
    _feature(
        "workout_variety_score", B, "how varied the kinds of workout are", "share", "30 days",
        "1 - sum of squared shares of sessions by kind", source="Simpson 1949; founding document", minimum=0, maximum=1,
        null_means="no session with a kind",
    ),
    _feature(
        "planned_7d", B, "workouts planned for the last 7 complete local days", "workouts", "7 days", "count", minimum=0
    ),
    _feature(
        "planned_next_7d", B, "workouts planned for the 7 local days after the as-of date", "workouts",
        "next 7 days", "count", minimum=0,
    ),
    _feature(
        "skip_rate_30d", B, "skipped over skipped plus completed workouts, 30 days", "share", "30 days",
        "skipped / (skipped + completed)", minimum=0, maximum=1, null_means="no workout completed or skipped",
    ),
    _feature(
        "skip_pattern_frequency", B, "how much skipping keeps to one weekday", "share", "30 days",
        "skips on the weekday skipped most / all skips", source="founding document, own definition", minimum=0, maximum=1,
        null_means="fewer than 3 skips",
    ),
    _feature(
        "habitual_weekly_sessions", B, "mean weekly sessions of the last 28 complete local days", "sessions per week",
        "28 days", "sessions / 4", minimum=0,
    ),
    _feature(
        "preparation_time_avg", B, "mean minutes of preparation, 30 days", "minutes", "30 days",
        "sum / visits with a preparation time", source=SEED, minimum=0, maximum=1440, null_means=NO_REPORT,
    ),
    _feature(
        "barrier_frequency", B, "barriers named per app visit, 30 days", "barriers per visit", "30 days",
        "barriers / visits", source=SEED, minimum=0, null_means="no app visit in the window",
    ),
    _feature(
        "top_barrier", B, "barrier named most often, 30 days", "text", "30 days",
        "most frequent; the first in the alphabet among equals", source=SEED, null_means="no barrier named",
    ),
    _feature(
        "app_minutes_7d", B, "minutes on screen, 7 days", "minutes", "7 days", "sum", minimum=0
    ),
    _feature(
        "features_used_30d", B, "different features of the app used, 30 days", "values", "30 days", "count of distinct",
        minimum=0,
    ),
    _feature(
        "interventions_7d", B, "interventions delivered in the last 7 complete local days", "messages", "7 days",
        "count", minimum=0,
    ),
)  # fmt: skip

CONTEXTUAL = (
    _feature(
        "preferred_time_consistency", C, "share of sessions in the time slots the person prefers", "share", "30 days",
        "sessions in a preferred slot / sessions", source=SEED, minimum=0, maximum=1,
        null_means="no preference known, or no session",
    ),
    _feature(
        "weather_sensitivity", C, "success in fair weather minus success in other weather", "difference of shares",
        "30 days", "success rate fair - success rate cold, hot or wet", source="founding document, own definition",
        minimum=-1, maximum=1, null_means=f"fewer than {MIN_SUPPORT} attempts on either side",
    ),
    _feature(
        "social_context_impact", C, "success with others minus success alone", "difference of shares", "30 days",
        "success rate with a partner or group - success rate alone", source="founding document, own definition",
        minimum=-1, maximum=1, null_means=f"fewer than {MIN_SUPPORT} attempts on either side",
    ),
    _feature(
        "success_rate_variance_by_time", C, "best minus worst success rate over time slots", "difference of shares",
        "30 days", "over slots with at least 3 attempts; a range, since a variance of rates cannot exceed 0.25 and the"
        " founding document's threshold is 0.4", source="founding document, own definition", minimum=0, maximum=1,
        null_means="fewer than 2 slots with 3 attempts",
    ),
    _feature(
        "partner_share_30d", C, "share of sessions with a partner or group, 30 days", "share", "30 days",
        "sessions with others / sessions", minimum=0, maximum=1, null_means="no session in the window",
    ),
)  # fmt: skip

RECOVERY = (
    _level("sleep_hours_7d", "hours asleep per reported night", "hours", "sum / reports", 0, 24, R),
    _feature(
        "sleep_debt_hours", R, "mean shortfall against 8 hours per reported night, 7 days", "hours", "7 days",
        "max(0, 8 - sleep_hours_7d)", source="founding document; 8 hours: own choice within 7 to 9 (Hirshkowitz 2015)",
        minimum=0, maximum=8, null_means=NO_REPORT,
    ),
    _trend("sleep_quality_trend", "hours asleep", "hours", R),
    _level("stress_level", "stress report", "1 to 10", "sum / reports", 1, 10, R),
    _trend("stress_level_trend", "stress reports", "points", R),
    _level("energy_level", "energy report", "1 to 10", "sum / reports", 1, 10, R),
    _level("hrv_7d", "heart rate variability (RMSSD)", "milliseconds", "sum / reports", 0, 500, R),
    _trend("hrv_trend", "heart rate variability", "milliseconds", R),
    _level("resting_heart_rate_7d", "resting heart rate", "beats per minute", "sum / reports", 20, 200, R),
    _trend("resting_heart_rate_trend", "resting heart rate", "beats per minute", R),
    _level("steps_7d", "steps per reported day", "steps", "sum / reports", 0, 200_000, R),
    _feature(
        "load_7d", R, "session load of the last 7 days", "minutes x intensity", "7 days",
        "sum of minutes x intensity weight (low 1, medium 2, high 3; unknown 2)", source="methods section 6", minimum=0,
    ),
    _feature(
        "load_28d", R, "mean weekly session load of the last 28 days", "minutes x intensity", "28 days",
        "sum of 28 days / 4", source="methods section 6", minimum=0,
    ),
    _feature(
        "acute_load", R, "acute daily load", "minutes x intensity per day", "90 days",
        f"exponentially weighted mean of daily load, lambda = 2 / ({EWMA_ACUTE_DAYS} + 1)",
        source="Williams 2017; methods section 6", minimum=0,
    ),
    _feature(
        "chronic_load", R, "chronic daily load", "minutes x intensity per day", "90 days",
        f"exponentially weighted mean of daily load, lambda = 2 / ({EWMA_CHRONIC_DAYS} + 1)",
        source="Williams 2017; methods section 6", minimum=0,
    ),
    _feature(
        "monotony", R, "sameness of daily load", "ratio", "7 days", "mean / sample standard deviation of daily load",
        source="Foster 1998; methods section 6", minimum=0, null_means="no load, or the same load every day",
    ),
    _feature(
        "strain", R, "weekly load times monotony", "minutes x intensity", "7 days", "load_7d x monotony",
        source="Foster 1998; methods section 6", minimum=0, null_means="no monotony",
    ),
    _feature(
        "injured", R, "1 while an injury started in the last 14 days is not resolved, else 0", "flag", "14 days",
        "injuries started > injuries resolved", minimum=0, maximum=1,
    ),
)  # fmt: skip

GOAL = (
    _feature(
        "goal_progress", G, "share of the goal that is reached", "share", "28 days, or since the first weight",
        "with a target weight: kilograms gone / kilograms to go at the first weight known, 0 to 1; else sessions of 28"
        " days / four weekly targets, at most 1", source=SEED, minimum=0, maximum=1,
        null_means="neither weights with a target nor a weekly target known",
    ),
    _feature(
        "goal_progress_rate", G, "sessions of the last 7 days over the weekly target, at most 2", "ratio", "7 days",
        "sessions / weekly target", source=SEED, minimum=0, maximum=2, null_means="no weekly target known",
    ),
    _feature(
        "weeks_to_goal", G, "weeks until the target weight at the pace so far", "weeks", "since the first weight",
        "kilograms left / (kilograms gone / weeks), at most 520; 0 when reached",
        minimum=0, maximum=520, null_means="no target weight, one weight only, or no movement towards the target",
    ),
    _level("motivation_level", "motivation report", "1 to 10", "sum / reports", 1, 10, G),
    _trend("motivation_trend", "motivation reports", "points", G),
)  # fmt: skip

FEATURES: tuple[Feature, ...] = (*TEMPORAL, *BEHAVIOURAL, *CONTEXTUAL, *RECOVERY, *GOAL)

# What the first adherence model reads: a model's contract does not grow when a feature is added.
ADHERENCE_V1 = (
    "workout_frequency_7d", "workout_frequency_30d", "sessions_7d", "sessions_28d", "active_days_28d",
    "observed_days_28d", "days_since_last_session", "days_since_first_event", "streak_length_current",
    "streak_length_longest", "completion_rate_30d", "completion_rate_trend", "planned_7d", "planned_next_7d",
    "skip_rate_30d", "habitual_weekly_sessions", "goal_progress_rate", "sleep_hours_7d", "sleep_debt_hours",
    "sleep_quality_trend", "stress_level", "stress_level_trend", "energy_level", "motivation_level", "hrv_7d",
    "resting_heart_rate_7d", "steps_7d", "load_7d", "load_28d", "app_minutes_7d", "preparation_time_avg",
    "barrier_frequency", "partner_share_30d", "injured", "interventions_7d",
)  # fmt: skip

# What the models of the next four weeks read: that, and what tells of load, strain, regularity and mood.
FOUR_WEEKS_V1 = (
    *ADHERENCE_V1,
    "consistency_score", "time_of_day_consistency", "day_of_week_consistency", "intensity_progression",
    "workout_variety_score", "features_used_30d", "acute_load", "chronic_load", "monotony", "strain", "hrv_trend",
    "resting_heart_rate_trend", "motivation_trend", "goal_progress",
)  # fmt: skip
