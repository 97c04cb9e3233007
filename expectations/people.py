"""The gate of gold's snapshots of people: what habit and the record that the app reads must hold."""

from expectations.checks import Suite, between, no_violation, not_null, some_rows, unique

_SHARES = {
    "gold.habit_state": ("frequency", "consistency", "context_stability", "habit_score", "strength", "settled_strength"),
    "gold.user_analytics": (
        "workout_consistency", "average_completion_rate", "habit_score", "habit_strength", "goal_progress",
        "goal_progress_weight", "goal_progress_sessions", "goal_progress_steps", "goal_progress_strength",
        "goal_progress_stress", "engagement_score",
    ),
}  # fmt: skip
_STATUSES = "('not_started', 'forming', 'automatic', 'lapsed')"
_AT_66_DAYS = "('not_yet', 'reached', 'missed')"
# A local day that ended by the night's end is the night's date or the one before, in every zone there is.
_AS_OF = ("days_as_of_before_night", "batch_date - as_of_date")


def _out_of_share(table: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, f"{name} < 0 OR {name} > 1") for name in _SHARES[table])


HABIT_STATE = Suite(
    "gold",
    "gold.habit_state",
    (
        unique("user_id"),
        not_null("habit_score"),
        not_null("strength"),
        between("days_as_of_before_night", 0, 1),
        no_violation("habit_violation"),
        some_rows(),
    ),
    (_AS_OF,),
    (
        (
            "habit_violation",
            (
                *_out_of_share("gold.habit_state"),
                ("status", f"status IS NULL OR status NOT IN {_STATUSES}"),
                (
                    "status_at_66_days",
                    f"status_at_66_days NOT IN {_AT_66_DAYS} OR (status_at_66_days IS NULL) <> (status = 'not_started')",
                ),
                ("started before the start", "days_since_start < 0"),
                ("settled_date", "settled_date IS NULL OR settled_date >= as_of_date"),
                (
                    "projected date outside of its interval",
                    "projected_automatic_on < projected_earliest OR projected_automatic_on > projected_latest",
                ),
                ("projected although automatic", "projected_automatic_on IS NOT NULL AND strength > 0.666667"),
            ),
        ),
    ),
)

USER_ANALYTICS = Suite(
    "gold",
    "gold.user_analytics",
    (
        unique("user_id"),
        not_null("event_timestamp"),
        not_null("engagement_score"),
        between("days_as_of_before_night", 0, 1),
        no_violation("analytics_violation"),
        some_rows(),
    ),
    (_AS_OF,),
    (
        (
            "analytics_violation",
            (
                *_out_of_share("gold.user_analytics"),
                ("streak_length", "streak_length IS NULL OR streak_length < 0"),
                ("habit_status", f"habit_status IS NULL OR habit_status NOT IN {_STATUSES}"),
                ("successful_contexts", "successful_contexts IS NULL OR successful_contexts NOT LIKE '[%]'"),
                ("risk_factors", "risk_factors IS NULL OR risk_factors NOT LIKE '[%]'"),
                ("goal_kind", "(goal_kind IS NULL) <> (goal_progress IS NULL)"),
            ),
        ),
    ),
)

PEOPLE_SUITES = (HABIT_STATE, USER_ANALYTICS)
