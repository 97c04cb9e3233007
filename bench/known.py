"""What is known of the people of ``bench.lake`` when a night decides on them: the inputs of the decide job, written at once.

Features, habits, patterns, predictions and the nights before are drawn per person from hashes as the ledgers are, with
shares like those of the simulated world; only the ledger itself and the profiles are those of ``bench.lake``. Texts that
no later night reads (messages, candidates, plans) are left null in the nights before.
"""

from datetime import timedelta

from bench.lake import LEDGERS, NIGHT, PROFILES, ZONE, connected, write_rows
from habitlake.clock import Interval
from habitlake.settings import Settings
from habitlake.tables import get_table
from interventions.catalogue import catalogue
from interventions.onboarding.stages import onboarding

LEDGER_NIGHTS, DECIDED_NIGHTS, INJURY_NIGHTS = 58, 28, 17
# Whether a person was sent the message of a local date, as its decision and its feedback have it.
SENT = "draw(person, {day}, 'message') < 0.14"
INJURED = "draw(person, 0, 'injured') < 0.02"
_WEEKLY = "(5 * draw(person, 0, 'keen'))"
_AGE = "CAST(CASE WHEN draw(person, 0, 'new') < 0.1 THEN 120 * draw(person, 0, 'age') ELSE 400 END AS BIGINT)"
_EVERYBODY = "FROM range($people) AS everyone(person)"


def _between(salt: str, low: float, high: float, known: float = 0.85) -> str:
    """Return the SQL of a number between two, known of that share of people."""
    value = f"round({low} + {high - low} * draw(person, $day, '{salt}'), 6)"
    return f"CASE WHEN draw(person, 0, 'known {salt}') < {known} THEN {value} END"


# What triggers, rules and texts look at; the other columns of the table are drawn alike in 0..1.
FEATURES = {
    "user_id": "user_name(person)",
    "time_zone": ZONE,
    "as_of_date": "CAST($night AS DATE)",
    "first_local_date": f"CAST($night AS DATE) - CAST({_AGE} AS INT)",
    "days_since_first_event": _AGE,
    "observed_days_28d": "CAST(30 * draw(person, 0, 'seen') AS BIGINT)",
    "sessions_7d": f"CAST(round({_WEEKLY} * (0.5 + draw(person, $day, 'week'))) AS BIGINT)",
    "sessions_28d": f"CAST(4 * {_WEEKLY} AS BIGINT)",
    "habitual_weekly_sessions": f"round({_WEEKLY}, 6)",
    "days_since_last_session": f"CAST(10 / (0.2 + {_WEEKLY}) * draw(person, $day, 'last') AS BIGINT)",
    "streak_length_current": f"CAST(2 * {_WEEKLY} * draw(person, $day, 'streak') AS BIGINT)",
    "streak_length_longest": "CAST(30 * draw(person, 0, 'longest') AS BIGINT)",
    "planned_next_7d": "CAST(2 * draw(person, $day, 'planned') AS BIGINT)",
    "preparation_time_avg": _between("preparation", 1, 17),
    "top_barrier": "pick(person, 0, 'barrier', ['no_time', 'tired', 'weather'])",
    "app_minutes_7d": "round(greatest(0, 120 * draw(person, $day, 'app') - 20), 6)",
    "features_used_30d": "CAST(6 * draw(person, 0, 'used') AS BIGINT)",
    "interventions_7d": "CAST(3 * draw(person, $day, 'received') AS BIGINT)",
    "weather_sensitivity": _between("weather", -0.6, 0.6),
    "social_context_impact": _between("social", -0.4, 0.5, 0.6),
    "success_rate_variance_by_time": _between("variance", 0, 0.6, 0.6),
    "sleep_hours_7d": _between("sleep", 5.5, 9),
    "sleep_debt_hours": _between("sleep", 2.5, 0),
    "stress_level": _between("stress", 1.5, 8),
    "energy_level": _between("energy", 3, 8),
    "acute_load": "round(90 * draw(person, $day, 'acute'), 6)",
    "chronic_load": "round(15 + 75 * draw(person, 0, 'chronic'), 6)",
    "monotony": _between("monotony", 0.4, 2.3, 0.75),
    "injured": f"CAST({INJURED} AS BIGINT)",
    "goal_progress_rate": _between("progress", 0, 2, 0.95),
    "motivation_level": _between("motivation", 3, 8),
    "skip_pattern_frequency": _between("pattern", 0.2, 1, 0.5),
}


def _columns(table: str, expressions: dict[str, str]) -> str:
    """Return the SQL of a row per person: numbers without an expression lie in 0..1, texts and the like are null."""
    others = {
        column.name: f"round(draw(person, $day, '{column.name}'), 6)"
        for column in get_table(table).columns
        if column.sql_type == "double"
    }
    columns = {"user_id": "user_name(person)", **others, **expressions}
    return f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in columns.items())} {_EVERYBODY}"


def _patterns() -> str:
    """Return the SQL of the patterns of one dimension: three places, five parts of the day, seven weekdays."""
    values = {
        "location": ("home", "gym", "outdoors"),
        "time_slot": ("early_morning", "morning", "midday", "afternoon", "evening"),
        "weekday": ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    }
    cells = [
        {"dimension": dimension, **dict.fromkeys(values, "any"), dimension: value}
        for dimension, known in values.items()
        for value in known
    ]
    return f"""
    SELECT user_name(person) AS user_id, unnest(cell), CAST(20 * draw(person, number, 'attempts') AS BIGINT) AS attempts,
        CAST(10 * draw(person, number, 'completed') AS BIGINT) AS completed,
        round(draw(person, number, 'rate'), 6) AS shrunken_rate,
        CASE WHEN draw(person, number, 'verdict') < 0.1 THEN 'success' ELSE 'neutral' END AS verdict
    FROM (SELECT person, unnest({cells}) AS cell, unnest(range({len(cells)})) AS number {_EVERYBODY})
    """


def _decisions() -> str:
    """Return the SQL of a night's decisions: two arms of the library, three local dates."""
    arms = [
        {"name": item.name, "action": item.action, "channel": item.channels[0]} for item in catalogue().interventions
    ]
    triggers = [trigger.name for trigger in catalogue().active_triggers]
    return f"""
    SELECT CAST($night AS VARCHAR) || '-' || user_id || '-' || horizon AS decision_id, user_id, horizon,
        CAST($night AS DATE) + 1 + CAST(horizon AS INT) AS local_date, available, triggers, available AND drawn AS send,
        first.name AS intervention, first.action AS action, first.channel AS channel, 0.5 AS probability,
        CASE WHEN available THEN [first.name, second.name] END AS arms,
        CASE WHEN available THEN [first.action, second.action] END AS arm_actions,
        CASE WHEN available THEN [0.3, 0.2] END AS arm_probabilities, 2.0 AS dosage, 0.4 AS usual_sessions
    FROM (
        SELECT user_name(person) AS user_id, horizon, draw(person, 0, 'reached') < 0.7 AS available,
            pick(person, $day, 'first', {arms}) AS first, pick(person, $day, 'second', {arms}) AS second,
            [pick(person, 0, 'trigger', {triggers})] AS triggers,
            CASE WHEN horizon = 0 THEN {SENT.format(day="$day + 1")} ELSE draw(person, $day, 'ahead') < 0.3 END AS drawn
        {_EVERYBODY}, range(3) AS ahead(horizon)
    )
    """


def _events() -> str:
    """Return the SQL of what became of the messages of a local date."""
    parts = [
        f"""
        SELECT user_name(person) AS user_id, '{kind}' AS event_type, {wait} AS response_time_s,
            CAST($night AS TIMESTAMP) + INTERVAL (CAST(3600 * (8 + 12 * draw(person, 0, 'hour')) AS BIGINT)) SECOND AS event_at,
            CAST(CAST($night AS DATE) - 1 AS VARCHAR) || '-' || user_name(person) || '-0' AS decision_id
        {_EVERYBODY} WHERE draw(person, 0, 'reached') < 0.7 AND {SENT.format(day="$day")} AND draw(person, $day, '{kind}') < {share}
        """
        for kind, share, wait in (("intervention_delivered", 1, 0.0), ("intervention_opened", 0.4, 600.0))
    ]
    return " UNION ALL BY NAME ".join(parts)


def _onboarding() -> str:
    """Return the SQL of everybody who is new: a stage for every 30 days, its steps still to do."""
    stages = onboarding().stages
    done = [[step.name for before in stages[:number] for step in before.steps] for number in range(len(stages))]
    stage = f"CAST(least({_AGE} // 30, {len(stages) - 1}) AS INT)"
    return f"""
    SELECT user_name(person) AS user_id, 'active' AS status, '{onboarding().segments[-1].name}' AS segment,
        {[known.name for known in stages]}[1 + {stage}] AS stage, {done}[1 + {stage}] AS completed_steps,
        {[known.steps[0].name for known in stages]}[1 + {stage}] AS next_step, 0 AS reminders_sent, false AS due,
        CAST($night AS DATE) - CAST({_AGE} AS INT) + 30 * {stage} AS stage_entered_on
    {_EVERYBODY} WHERE {_AGE} < {onboarding().longest_days}
    """


_KINDS = "(VALUES ('weekly_sessions', 3.0), ('weekly_minutes', 120.0), ('daily_steps', 8000.0)) AS kinds(kind, usual)"
# Goals and plans began together, on the seven days of the week alike, so that a seventh is due.
INPUTS: dict[str, tuple[int, int, str]] = {
    # First and last night before NIGHT, and the rows.
    "gold.user_day": (LEDGER_NIGHTS - 1, 0, LEDGERS["gold.user_day"]),
    "silver.profiles": (LEDGER_NIGHTS - 1, LEDGER_NIGHTS - 1, PROFILES),
    "gold.user_features": (1, 0, _columns("gold.user_features", FEATURES)),
    "gold.habit_state": (0, 0, _columns("gold.habit_state", {"automatic_on": "CAST($night AS DATE) - CAST(99 * draw(person, 0, 'automatic') AS INT)"})),
    "gold.user_analytics": (0, 0, _columns("gold.user_analytics", {"performance_improvement": _between("better", -0.1, 0.1)})),
    "gold.context_patterns": (0, 0, _patterns()),
    "gold.predictions": (0, 0, _columns("gold.predictions", {"model": "'adherence'", "model_version": "'1'"})),
    "silver.wellbeing": (
        INJURY_NIGHTS - 12, INJURY_NIGHTS - 12,
        f"""SELECT user_name(person) AS user_id, 'injury_reported' AS event_type, CAST($night AS TIMESTAMP) AS event_at,
        CAST($night AS DATE) AS event_date, 'started' AS injury_status, 'injury-' || person AS event_id,
        pick(person, 0, 'part', ['knee', 'lower_back', 'shoulder', 'ankle']) AS body_part {_EVERYBODY} WHERE {INJURED}""",
    ),
    "silver.intervention_events": (LEDGER_NIGHTS - 3, 0, _events()),
    "gold.decisions": (DECIDED_NIGHTS, 1, _decisions()),
    "gold.goals": (
        1, 1,
        f"""SELECT user_name(person) AS user_id, kind, usual AS recommended_goal, usual AS usual_amount,
        CAST($night AS DATE) + 1 AS valid_for, CAST($night AS DATE) + 1 - CAST((person + $day) % 7 AS INT) AS week_start,
        [] AS reasons, [usual, usual, usual, usual, usual, usual, usual, usual] AS past_goals {_EVERYBODY}, {_KINDS}""",
    ),
    "gold.workout_plans": (
        DECIDED_NIGHTS, 1,
        f"""SELECT user_name(person) AS user_id, CAST($night AS DATE) + 1 AS valid_from, 1 + person // 7 % 4 AS block_week,
        false AS deload, {INJURED} AS injured, CAST([] AS VARCHAR[]) AS injured_regions
        {_EVERYBODY} WHERE (person + $day) % 7 = 0""",
    ),
    "gold.onboarding": (1, 1, _onboarding()),
}  # fmt: skip


def generate(settings: Settings, people: int) -> None:
    """Write what the decide job reads on ``NIGHT`` about so many people."""
    connection = connected()
    for table, (first, last, sql) in INPUTS.items():
        for night in Interval(NIGHT - timedelta(days=first), NIGHT - timedelta(days=last)).nights():
            write_rows(connection, sql, table, night, settings, people)
