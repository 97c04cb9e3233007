"""The suites, as code: what each table must hold at each gate, derived from contracts and registry where it can be.

``fail`` stops the night; ``warn`` is stored and shown. Rules of one row are derived columns that name the rule that a
row breaks: one expectation for many rules keeps a gate fast, and its sample says which rule it was.
"""

from collections.abc import Iterator

from expectations.checks import (
    WARN,
    Check,
    Gate,
    Suite,
    Total,
    between,
    matches,
    no_violation,
    not_null,
    quoted,
    some_rows,
    unique,
)
from expectations.people import PEOPLE_SUITES
from habitlake.contracts import FAMILIES, Family, FieldSpec, context_fields, forecast_fields
from habitlake.contracts.base import USER_ID_PATTERN
from habitlake.landing import BESIDE_EVENTS
from habitlake.tables import CHANCES, FEATURES, get_table
from habitlake.tables.features import MIN_SUPPORT
from habitlake.tables.people import SEQUENCE_CHANNELS, SEQUENCE_DAYS


def _field_rules(spec: FieldSpec) -> Iterator[tuple[str, str]]:
    """Yield what a stored value of the field must not be: outside its contract, or missing where required."""
    if spec.sql_type in ("double", "bigint"):
        bounds = [f"{spec.column} {sign} {bound}" for sign, bound in (("<", spec.minimum), (">", spec.maximum))]
        if limits := [bound for bound in bounds if not bound.endswith("None")]:
            yield spec.column, " OR ".join(limits)
    elif spec.allowed:
        allowed = ", ".join(quoted(value) for value in spec.allowed)
        is_list = spec.sql_type == "array<string>"
        yield (
            spec.column,
            f"NOT list_has_all([{allowed}], {spec.column})" if is_list else f"{spec.column} NOT IN ({allowed})",
        )
    if spec.required_by:
        types = ", ".join(quoted(event_type) for event_type in spec.required_by)
        yield f"{spec.column} is missing", f"{spec.column} IS NULL AND event_type IN ({types})"
    elif spec.required:
        yield f"{spec.column} is missing", f"{spec.column} IS NULL"


def _contract_suite(family: Family) -> Suite:
    # The parse has judged every value already; what is checked here is that nothing changed on the way to silver.
    context = context_fields() if family.with_context else ()
    types = ", ".join(quoted(event_type) for event_type in family.events)
    rules = [("event_type", f"event_type NOT IN ({types})")]
    for spec in (*family.fields(), *context):
        rules += _field_rules(spec)
    checks = [
        not_null("event_id"),
        not_null("event_at"),
        not_null("user_id"),
        matches("user_id", USER_ID_PATTERN),
        no_violation("contract_violation"),
    ]
    if family.name == "profile":
        checks.append(unique("user_id"))
    if family.name in ("workout", "wellbeing"):
        checks.append(some_rows())
    return Suite("silver", family.table, tuple(checks), rules=(("contract_violation", tuple(rules)),))


FORECASTS = Suite(
    "silver",
    "silver.weather",
    (unique(*get_table("silver.weather").key), no_violation("contract_violation")),
    rules=(("contract_violation", tuple(rule for spec in forecast_fields() for rule in _field_rules(spec))),),
)

_EVENTS = f"NOT starts_with(_source_file, {quoted(BESIDE_EVENTS)})"
AUDIT = Suite(
    "silver",
    "silver.batch_audit",
    (
        between("unaccounted_lines", 0, 0),
        between("rejected_share", 0, 0.2, WARN),
        between("night_rejected_share", 0, 0.5),
        some_rows(),
    ),
    (
        ("unaccounted_lines", "raw_count - accepted_count - duplicate_count - rejected_count"),
        ("rejected_share", "rejected_count / greatest(raw_count, 1)"),
        # Of events alone: a bad forecast is worth a warning and stops no night.
        (
            "night_rejected_share",
            f"CASE WHEN {_EVENTS} THEN sum(rejected_count) OVER nightly / greatest(sum(raw_count) OVER nightly, 1) END".replace(
                "nightly", f"(PARTITION BY batch_date, {_EVENTS})"
            ),
        ),
    ),
)


def _ledger_suite(name: str, *more: Check) -> Suite:
    """Return the suite of a ledger: one entry per key, and nothing that counts below 0."""
    table = get_table(name)
    counts = [
        column.name
        for column in table.columns
        if column.sql_type == "bigint" and column.name not in ("start_cos_permille", "start_sin_permille")
    ]
    rules = (("negative_measure", tuple((measure, f"{measure} IS NULL OR {measure} < 0") for measure in counts)),)
    return Suite("gold", name, (unique(*table.key[1:]), no_violation("negative_measure"), *more), rules=rules)


LEDGERS = (
    _ledger_suite("gold.user_day", some_rows()),
    _ledger_suite("gold.user_day_context"),
    _ledger_suite("gold.user_day_category"),
)


def _feature_rules() -> Iterator[tuple[str, str]]:
    """Yield what a feature must not be, by the feature registry: missing where it never is, or out of its range."""
    for feature in FEATURES:
        broken = [
            f"{feature.name} {sign} {bound}"
            for sign, bound in (("<", feature.minimum), (">", feature.maximum))
            if bound is not None
        ]
        if feature.null_means is None:
            broken.append(f"{feature.name} IS NULL")
        if broken:
            yield feature.name, " OR ".join(broken)


USER_FEATURES = Suite(
    "gold",
    "gold.user_features",
    (
        unique("user_id"),
        not_null("as_of_date"),
        not_null("time_zone"),
        not_null("first_local_date"),
        between("days_as_of_before_night", 0, 1),
        no_violation("feature_violation"),
        between("workout_frequency_7d", 0, 4, WARN),
        some_rows(),
    ),
    # A local day that ended by the night's end is the night's date or the one before, in every zone there is.
    (("days_as_of_before_night", "batch_date - as_of_date"),),
    (("feature_violation", tuple(_feature_rules())),),
)

CONTEXT_PATTERNS = Suite(
    "gold",
    "gold.context_patterns",
    tuple(between(name, 0, 0) for name in ("unaccounted_attempts", "wrong_counts", "wrong_rates", "wrong_claims")),
    totals=(
        Total(
            "unaccounted_attempts",
            "dimension <> 'cell'",
            # Each of the five margins splits the attempts of the overall row.
            "5 * coalesce(sum(attempts) FILTER (WHERE dimension = 'overall'), 0)"
            " - coalesce(sum(attempts) FILTER (WHERE dimension NOT IN ('overall', 'cell')), 0)",
        ),
        Total(
            "wrong_counts",
            "attempts < 1 OR completed NOT BETWEEN 0 AND attempts OR abs(success_rate - completed / attempts) > 1e-6"
            f" OR dimension = 'cell' AND attempts < {MIN_SUPPORT}",
        ),
        Total(
            "wrong_rates",
            "NOT (interval_low BETWEEN 0 AND shrunken_rate) OR NOT (interval_high BETWEEN shrunken_rate AND 1)"
            " OR NOT (confidence BETWEEN 0 AND 1)",
        ),
        Total(
            "wrong_claims",
            "verdict NOT IN ('success', 'risk', 'neutral', 'thin')"
            " OR (verdict IN ('success', 'risk')) <> (evidence IS NOT NULL AND coalesce(rank, 0) >= 1)",
        ),
    ),
)

# What a day of a channel may hold; a channel that is null without a report is in the second.
_SEQUENCE_COUNTS = {
    "sessions": None,
    "load": None,
    "planned": None,
    "skipped": None,
    "app_minutes": None,
    "observed": 1,
}
_SEQUENCE_REPORTS = {"completion_rate": (0, 1), "sleep_hours": (0, None), "stress": (1, 10), "energy": (1, 10)}


def _sequence_rules() -> Iterator[tuple[str, str]]:
    """Yield what a channel of a sequence must not be: of another length, with gaps in counts, or out of its range."""
    bounds = {**{name: (0, most) for name, most in _SEQUENCE_COUNTS.items()}, **_SEQUENCE_REPORTS}
    for name, _ in SEQUENCE_CHANNELS:
        low, high = bounds[name]
        broken = [f"coalesce(len({name}), 0) <> {SEQUENCE_DAYS}", f"list_min({name}) < {low}"]
        if high is not None:
            broken.append(f"list_max({name}) > {high}")
        if name in _SEQUENCE_COUNTS:
            broken.append(f"list_count({name}) < {SEQUENCE_DAYS}")
        yield name, " OR ".join(broken)


USER_SEQUENCE = Suite(
    "gold",
    "gold.user_sequence",
    (unique("user_id"), not_null("as_of_date"), no_violation("sequence_violation")),
    rules=(("sequence_violation", tuple(_sequence_rules())),),
)

PREDICTIONS = Suite(
    "queue",
    "gold.predictions",
    (
        unique("user_id", "model"),
        between("probability", 0, 1),
        not_null("model_version"),
        no_violation("prediction_violation"),
    ),
    rules=(
        (
            "prediction_violation",
            (
                ("neither probability nor value", "probability IS NULL AND value IS NULL"),
                ("value outside its interval", "NOT coalesce(value BETWEEN value_low AND value_high, value IS NULL)"),
                ("value below nothing", "value_low < 0"),
                ("input_quality", "coalesce(input_quality, '') NOT IN ('complete', 'partial', 'thin')"),
            ),
        ),
    ),
)

USER_PREDICTIONS = Suite(
    "queue",
    "gold.user_predictions",
    (unique("user_id"), not_null("input_quality"), no_violation("probability_violation")),
    rules=(("probability_violation", tuple((name, f"{name} NOT BETWEEN 0 AND 1") for name in CHANCES)),),
)

USER_WINDOWS = Suite("queue", "gold.user_windows", (unique("user_id"), not_null("windows"), not_null("input_quality")))

_PARTS = "('early_morning', 'morning', 'midday', 'afternoon', 'evening')"
_QUALITIES = "('complete', 'partial', 'thin', 'population')"


def _all_but(sound: str) -> str:
    """Return the predicate of rows of which the condition does not hold, or is not known."""
    return f"NOT coalesce({sound}, false)"


WORKOUT_WINDOWS = Suite(
    "queue",
    "gold.workout_windows",
    tuple(between(name, 0, 0) for name in ("missing_windows", "wrong_times", "wrong_scores", "unexplained")),
    totals=(
        # Three windows of each of three dates.
        Total("missing_windows", "true", "abs(count(*) - 9 * count(DISTINCT user_id))"),
        Total(
            "wrong_times",
            _all_but(
                "valid_for - batch_date BETWEEN 1 AND 4 AND rank BETWEEN 1 AND 3 AND hour BETWEEN 6 AND 21"
                f" AND part_of_day IN {_PARTS}"
            ),
        ),
        Total(
            "wrong_scores",
            _all_but(
                "interval_low BETWEEN 0 AND success_probability AND interval_high BETWEEN success_probability AND 1"
                " AND recommended IS NOT NULL AND (NOT recommended OR success_probability > 0.7) AND schedule_conflict BETWEEN 0 AND 1"
                " AND weather_effect BETWEEN -1 AND 1"
            ),
        ),
        Total(
            "unexplained",
            _all_but(
                f"len(reasons) > 0 AND backup_plan IS NOT NULL AND input_quality IN {_QUALITIES}"
                " AND weather_source = CASE WHEN weather IS NULL THEN 'climatology' ELSE 'forecast' END"
            ),
        ),
    ),
)

GOALS = Suite(
    "queue",
    "gold.goals",
    (
        unique("user_id", "kind"),
        not_null("recommended_goal"),
        between("success_probability", 0, 1),
        no_violation("goal_violation"),
    ),
    rules=(
        (
            "goal_violation",
            (
                ("unknown kind", "kind NOT IN ('weekly_sessions', 'weekly_minutes', 'daily_steps')"),
                ("below nothing", "recommended_goal < 0"),
                ("more sessions than days", "kind = 'weekly_sessions' AND recommended_goal > 7"),
                ("more than 450 minutes a week", "kind = 'weekly_minutes' AND recommended_goal > 450"),
                ("more than 15,000 steps a day", "kind = 'daily_steps' AND recommended_goal > 15000"),
                ("not its week", "valid_for NOT BETWEEN week_start AND week_start + INTERVAL 6 DAYS"),
                ("without a probability", "success_probability IS NULL"),
                ("more than the full goal", "recommended_goal > full_goal"),
                (
                    "injured and asked for more than usual",
                    "list_contains(reasons, 'injured') AND recommended_goal > usual_amount",
                ),
            ),
        ),
    ),
)

WORKOUT_PLANS = Suite(
    "queue",
    "gold.workout_plans",
    (unique("user_id"), not_null("valid_from"), not_null("plan"), no_violation("plan_violation")),
    rules=(
        (
            "plan_violation",
            (
                ("more sessions than days", "sessions NOT BETWEEN 0 AND 7 OR len(weekdays) <> sessions"),
                (
                    "minutes",
                    "minutes <> sessions * session_minutes OR sessions > 0 AND session_minutes NOT BETWEEN 5 AND 90",
                ),
                ("not for the days after the night", "valid_from - batch_date NOT BETWEEN 1 AND 2"),
                (
                    "due_reason",
                    "coalesce(due_reason, '') NOT IN ('first', 'week_over', 'injury_changed', 'constraint_changed')",
                ),
                ("block_week", "block_week NOT BETWEEN 1 AND 4"),
                ("injured and hard", "injured AND intensity <> 'low'"),
                ("no object", "plan NOT LIKE '{%}'"),
            ),
        ),
    ),
)

ONBOARDING = Suite(
    "queue",
    "gold.onboarding",
    (unique("user_id"), not_null("stage_entered_on"), not_null("path"), no_violation("onboarding_violation")),
    rules=(
        (
            "onboarding_violation",
            (
                (
                    "stage",
                    "coalesce(stage, '') NOT IN ('core_setup', 'pattern_discovery', 'habit_formation', 'advanced_features')",
                ),
                ("status", "coalesce(status, '') NOT IN ('active', 'finished', 'ended')"),
                ("due without a step", "due AND (next_step IS NULL OR coalesce(trim(message), '') = '')"),
                ("due before its date", "due AND next_step_due > valid_for"),
                ("a step after the end", "status <> 'active' AND next_step IS NOT NULL"),
                ("estimated_days", "coalesce(estimated_days, -1) < 0"),
            ),
        ),
    ),
)

RESPONSE_STATE = Suite(
    "queue",
    "gold.response_state",
    (unique("level", "name"), no_violation("state_violation"), some_rows()),
    rules=(
        (
            "state_violation",
            (
                ("unknown level", "level NOT IN ('overall', 'action', 'intervention')"),
                ("no belief", "effect IS NULL OR NOT isfinite(effect) OR effect_sd IS NULL OR NOT effect_sd > 0"),
                ("more sends than decisions", "sends NOT BETWEEN 0 AND decisions"),
                ("more responses than sends", "sends_positive NOT BETWEEN 0 AND sends"),
                ("more responses than silence", "silent_positive NOT BETWEEN 0 AND decisions - sends"),
                ("more deliveries than sends", "delivered NOT BETWEEN 0 AND sends"),
                ("not a share", "prior_share NOT BETWEEN 0 AND 1"),
            ),
        ),
    ),
)

_LOCAL_TIME = "CAST(send_at AT TIME ZONE time_zone AS TIME)"
_KNOWN_ZONE = "time_zone IN (SELECT name FROM pg_timezone_names())"
DECISIONS = Suite(
    "queue",
    "gold.decisions",
    (
        unique("decision_id"),
        unique("user_id", "local_date"),
        not_null("send"),
        between("available_probability", 0.1, 0.8),
        no_violation("availability_violation"),
        no_violation("sending_violation"),
        no_violation("arm_violation"),
        some_rows(),
    ),
    derived=(("available_probability", "CASE WHEN available THEN coalesce(probability, -1) END"),),
    rules=(
        (
            "availability_violation",
            (
                ("sent although unavailable", "send AND NOT available"),
                ("unavailable with a probability", "NOT available AND probability <> 0"),
                ("unavailable without a reason", "NOT available AND coalesce(len(unavailable_reasons), 0) = 0"),
                ("available with a reason not to be", "available AND len(unavailable_reasons) > 0"),
            ),
        ),
        (
            "sending_violation",
            (
                ("sent without an intervention", "send AND intervention IS NULL"),
                ("sent without a message", "send AND coalesce(trim(message), '') = ''"),
                ("a message with a gap or of more than 240 characters", "message LIKE '%{%' OR length(message) > 240"),
                (
                    "injured and sent more than recovery",
                    "send AND list_contains(triggers, 'injured') AND action <> 'recovery_day'",
                ),
                ("sent without a time", "send AND (send_at IS NULL OR expires_at IS NULL)"),
                ("expires before it is sent", "expires_at <= send_at"),
                ("sent before it was decided", "send_at < decided_at"),
                (
                    "sent outside 08:00 to 21:00 local time",
                    f"send AND {_KNOWN_ZONE} AND {_LOCAL_TIME} NOT BETWEEN TIME '08:00' AND TIME '21:00'",
                ),
            ),
        ),
        (
            "arm_violation",
            (
                ("available without an arm", "available AND coalesce(len(arms), 0) = 0"),
                ("an arm below 0.1", "list_min(arm_probabilities) < 0.1"),
                (
                    "arms that are not the probability",
                    "available AND abs(list_sum(arm_probabilities) - probability) > 1e-5",
                ),
                ("sent what is no arm", "send AND NOT list_contains(arms, intervention)"),
                ("not what the seed draws", "available AND send <> (seed / 9223372036854775808 < probability)"),
            ),
        ),
    ),
)

SUITES: tuple[Suite, ...] = (
    *(_contract_suite(family) for family in FAMILIES),
    FORECASTS,
    AUDIT,
    *LEDGERS,
    USER_FEATURES,
    CONTEXT_PATTERNS,
    *PEOPLE_SUITES,
    USER_SEQUENCE,
    PREDICTIONS,
    USER_PREDICTIONS,
    USER_WINDOWS,
    WORKOUT_WINDOWS,
    GOALS,
    WORKOUT_PLANS,
    ONBOARDING,
    RESPONSE_STATE,
    DECISIONS,
)


def suites_of(gate: Gate) -> list[Suite]:
    """Return the suites of a gate."""
    return [suite for suite in SUITES if suite.gate == gate]
