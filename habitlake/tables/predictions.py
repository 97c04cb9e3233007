"""Gold: what models say of people, night by night."""

from habitlake.tables.base import BATCH_DATE, USER_ID, Column, Table
from habitlake.tables.models import MODELS
from habitlake.tables.people import CREATED_TIMESTAMP, EVENT_TIMESTAMP

DAYS = Column(
    "days",
    "string",
    "JSON list of {local_date, days_ahead, probability}: of each of the seven local days after the last complete one; null but"
    " for a model of days",
)

PREDICTIONS = Table(
    name="gold.predictions",
    grain="one row per user, model and night: of the people whom the model is for, and the models in force",
    key=("batch_date", "user_id", "model"),
    columns=(
        BATCH_DATE,
        USER_ID,
        Column("model", "string", "registered model name"),
        Column("model_version", "string", "version of the registered model that scored"),
        Column("feature_service", "string", "Feast feature service that is the model's contract"),
        Column(
            "probability", "double", "predicted probability of the event, rounded to 6 decimals; null for an amount"
        ),
        Column("value", "double", "predicted amount (performance: sessions a week); null for an event"),
        Column("value_low", "double", "lower end of the 80 % interval of the amount; null for an event"),
        Column("value_high", "double", "upper end of the 80 % interval of the amount; null for an event"),
        Column(
            "trajectory",
            "string",
            "JSON list of {week, value, low, high}: the amount of each of the next four weeks with its 80 % interval; null for"
            " an event",
        ),
        DAYS,
        Column(
            "skips",
            "string",
            "JSON list of {local_date, days_ahead, probability, basis}: 1 less the probability of a session on the days ahead"
            " for which a workout is known to be planned (basis planned) and, after the last of them, on the usual weekdays"
            " of training (basis usual: planned or done on half of them or more); null but for a model of days",
        ),
        Column("confidence", "double", "0 to 1: how narrow the interval of the prediction is"),
        Column(
            "top_factors",
            "string",
            "JSON list of {feature, value, contribution}, largest first; training, plans and recovery are many features"
            " and days together, with a null value; of a model of days those of the first day",
        ),
        Column("input_quality", "string", "complete, partial or thin: how much of the input was observed"),
    ),
    keep_daily_days=120,
)

SHADOW_PREDICTIONS = Table(
    name="gold.shadow_predictions",
    grain="one row per user, model and night that a challenger scored in shadow: watched, read by no decision",
    key=("batch_date", "user_id", "model"),
    columns=(
        BATCH_DATE,
        USER_ID,
        Column("model", "string", "registered model name"),
        Column("model_version", "string", "version that scored in shadow: the challenger"),
        Column("score", "double", "predicted probability of the event, or the amount, rounded to 6 decimals"),
        DAYS,
    ),
    keep_daily_days=120,
)


def _shape(source: str) -> str:
    """Return what a list in gold.predictions holds, to go after its name; nothing of a number."""
    column = PREDICTIONS.column(source)
    return f" ({column.description})" if column.sql_type == "string" else ""


USER_PREDICTIONS = Table(
    name="gold.user_predictions",
    grain="one row per user and night with a model in force: what the models say, as the app reads it",
    key=("batch_date", "user_id"),
    columns=(
        BATCH_DATE,
        USER_ID,
        EVENT_TIMESTAMP,
        CREATED_TIMESTAMP,
        *(
            Column(
                output,
                PREDICTIONS.column(source).sql_type,
                f"{source} of gold.predictions{_shape(source)}: {model.predicts}; null where no such model is in force"
                " or it is not for the person",
            )
            for model in MODELS.values()
            for output, source in model.outputs.items()
        ),
        Column(
            "action_plan",
            "string",
            "JSON list of {action, because: numbers}: at most three things to do next, the first first, by declared rules",
        ),
        Column(
            "forecasts",
            "string",
            "JSON list of {what, probability, level, not_known} for injury, burnout and plateau; level: odds of at least 4"
            " (high), 2 (raised) or half (usual) times the usual ones, else low; not_known says why there is none",
        ),
        Column(
            "opportunities",
            "string",
            "JSON list of {opportunity, because: numbers}: breakthrough, progression, habit_strengthening, where one is open",
        ),
        Column(
            "model_versions", "string", "JSON of the version of each model that says something of anybody on the night"
        ),
        Column("input_quality", "string", "complete, partial or thin: how much of the models' input was observed"),
    ),
    keep_daily_days=30,
)

WORKOUT_WINDOWS = Table(
    name="gold.workout_windows",
    grain="one row per user, local date and rank: the three best windows for a workout on each of the next three dates",
    key=("batch_date", "user_id", "valid_for", "rank"),
    columns=(
        BATCH_DATE,
        USER_ID,
        Column(
            "valid_for", "date", "local date of the window: the first that starts after the night's end, and two more"
        ),
        Column("rank", "bigint", "1 is the most likely to succeed on the date; each rank is another part of the day"),
        Column("hour", "bigint", "local hour at which the window of one hour starts, 6 to 21"),
        Column("part_of_day", "string", "early_morning, morning, midday, afternoon or evening"),
        Column("success_probability", "double", "probability of a session on the date if it is meant for that hour"),
        Column("interval_low", "double", "lower end of the 90 % interval of the probability"),
        Column("interval_high", "double", "upper end of the 90 % interval of the probability"),
        Column("confidence", "double", "1 - width of the interval, 0 to 1"),
        Column(
            "recommended",
            "boolean",
            "whether the probability is above 0.7 (founding document) and no injury or illness is unresolved",
        ),
        Column(
            "schedule_conflict",
            "double",
            "1 - share of the weekday's days with a plan or session, drawn towards people who state the same; 0 with a plan for"
            " the date, 1 outside the stated hours",
        ),
        Column(
            "weather_effect",
            "double",
            "what the weather expected for the hour, as forecast or as usual in the zone, adds to the probability in fair"
            " weather",
        ),
        Column(
            "weather_source",
            "string",
            "forecast (one of the hour was known on the night) or climatology (the zone's weather of 28 nights)",
        ),
        Column("weather", "string", "weather that is forecast of the hour; null without a forecast"),
        Column(
            "expected_energy", "double", "energy expected on the date, 1 to 10: own mean and the newest report, fading"
        ),
        Column(
            "expected_stress", "double", "stress expected on the date, 1 to 10: own mean and the newest report, fading"
        ),
        Column(
            "contributions",
            "string",
            "JSON of log-odds by factor: usual, recent, weekday, part_of_day, weather, energy, stress; they add up to the"
            " log-odds of the probability",
        ),
        Column("reasons", "array<string>", "why, in words and numbers"),
        Column(
            "backup_plan", "string", "the best window of the date in another part of the day, and of the other dates"
        ),
        Column("attempts", "bigint", "the person's workouts completed or skipped in that part of the day, 90 days"),
        Column("completed", "bigint", "of these, completed"),
        Column(
            "input_quality",
            "string",
            "complete, partial (no report of energy or stress, or nothing stated), thin (few days or attempts) or population"
            " (nothing observed: the window of people who state the same)",
        ),
        Column("model_version", "string", "version of the method"),
    ),
    keep_daily_days=30,
)

USER_WINDOWS = Table(
    name="gold.user_windows",
    grain="one row per user and night: the windows of gold.workout_windows as the app reads them",
    key=("batch_date", "user_id"),
    columns=(
        BATCH_DATE,
        USER_ID,
        EVENT_TIMESTAMP,
        CREATED_TIMESTAMP,
        Column(
            "windows",
            "string",
            "JSON list of the windows of the next three local dates, by date and rank: valid_for, rank, hour,"
            " success_probability, recommended, backup_plan",
        ),
        Column("input_quality", "string", "complete, partial, thin or population, as in gold.workout_windows"),
        Column("model_version", "string", "version of the method"),
    ),
    keep_daily_days=30,
)

PREDICTION_TABLES = (PREDICTIONS, SHADOW_PREDICTIONS, USER_PREDICTIONS, WORKOUT_WINDOWS, USER_WINDOWS)
