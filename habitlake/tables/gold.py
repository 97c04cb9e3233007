"""Gold: the ledgers of facts, and the features of people."""

from habitlake.tables.base import BATCH_DATE, USER_ID, Column, Table
from habitlake.tables.features import FEATURES
from habitlake.tables.people import AS_OF_DATE, CREATED_TIMESTAMP, EVENT_TIMESTAMP

LOCAL_DATE = Column("local_date", "date", "calendar date in the person's zone")
TIME_ZONE = Column("time_zone", "string", "zone in force for the person (IANA name or fixed offset)")


def _count(name: str, what: str) -> Column:
    return Column(name, "bigint", f"{what}, count added by this batch")


def _sum(name: str, what: str) -> Column:
    return Column(name, "bigint", f"{what}, sum added by this batch")


USER_DAY = Table(
    name="gold.user_day",
    grain="one row per user and local date that the batch adds to: a ledger; a day's facts are the sum over batches",
    key=("batch_date", "user_id", "local_date"),
    columns=(
        BATCH_DATE,
        USER_ID,
        LOCAL_DATE,
        _count("events", "accepted events of any kind: a sign of use"),
        _count("workouts_planned", "workouts planned for this date"),
        _count("workouts_started", "workouts started"),
        _count("workouts_completed", "workouts completed: the sessions"),
        _count("workouts_skipped", "planned workouts skipped"),
        _count("partner_sessions", "completed workouts with a partner or group"),
        _sum("duration_s", "seconds of completed workouts"),
        _sum("load_au", "session load: minutes times intensity weight (low 1, medium 2, high 3), thousandths"),
        _count("completion_count", "completed workouts with a completion rate"),
        _sum("completion_permille", "completion rate of completed workouts, thousandths"),
        _count("intensity_count", "completed workouts with an intensity"),
        _sum("intensity_permille", "intensity of completed workouts (low 1, medium 2, high 3), thousandths"),
        _count("heart_rate_count", "completed workouts with a heart rate"),
        _sum("heart_rate_deci", "mean heart rate of completed workouts, tenths of beats per minute"),
        _count("app_visits", "app interactions"),
        _sum("screen_s", "seconds on screen"),
        _count("barriers", "barriers named"),
        _count("skip_reasons", "reasons for skipping named"),
        _count("motivation_count", "visits with a motivation level"),
        _sum("motivation_permille", "motivation level, thousandths"),
        _count("preparation_count", "visits with a preparation time"),
        _sum("preparation_s", "preparation time, seconds"),
        _count("sleep_count", "sleep records"),
        _sum("sleep_s", "seconds asleep"),
        _count("sleep_efficiency_count", "sleep records with an efficiency"),
        _sum("sleep_efficiency_permille", "sleep efficiency, thousandths"),
        _count("stress_count", "stress reports (daily state and event context)"),
        _sum("stress_permille", "stress level, thousandths"),
        _count("energy_count", "energy reports"),
        _sum("energy_permille", "energy, thousandths"),
        _count("soreness_count", "soreness reports"),
        _sum("soreness_permille", "soreness, thousandths"),
        _count("mood_count", "mood reports"),
        _sum("mood_permille", "mood, thousandths"),
        _count("hrv_count", "heart rate variability reports"),
        _sum("hrv_deci_ms", "heart rate variability, tenths of milliseconds"),
        _count("resting_heart_rate_count", "resting heart rate reports"),
        _sum("resting_heart_rate_deci", "resting heart rate, tenths of beats per minute"),
        _count("steps_count", "step reports"),
        _sum("steps", "steps"),
        _count("injuries_started", "injuries reported as started or ongoing"),
        _count("injuries_resolved", "injuries reported as resolved"),
        _count("rating_count", "satisfaction ratings"),
        _sum("rating_permille", "satisfaction rating, thousandths of stars"),
        _count("interventions_delivered", "interventions delivered"),
        _count("interventions_opened", "interventions opened"),
        _count("interventions_acted", "interventions acted on"),
    ),
)

USER_DAY_CONTEXT = Table(
    name="gold.user_day_context",
    grain="one row per user, local date and circumstances that the batch adds attempts to: a ledger like gold.user_day",
    key=("batch_date", "user_id", "local_date", "time_slot", "weather_band", "location", "with_whom"),
    columns=(
        BATCH_DATE,
        USER_ID,
        LOCAL_DATE,
        Column("time_slot", "string", "part of the day, as the app labelled it, else by the local time of the start"),
        Column(
            "weather_band", "string", "wet (rain, snow, storm), cold (below 41 F), hot (above 86 F), fair or unknown"
        ),
        Column("location", "string", "home, gym, outdoors, work, other or unknown"),
        Column("with_whom", "string", "alone, partner, group or unknown"),
        _count("completed", "workouts completed"),
        _count("skipped", "planned workouts skipped"),
        Column("start_cos_permille", "bigint", "cosine of the start on the 24-hour circle, thousandths, sum added"),
        Column("start_sin_permille", "bigint", "sine of the start on the 24-hour circle, thousandths, sum added"),
    ),
)

USER_DAY_CATEGORY = Table(
    name="gold.user_day_category",
    grain="one row per user, local date, kind and value that the batch adds to: a ledger like gold.user_day",
    key=("batch_date", "user_id", "local_date", "kind", "value"),
    columns=(
        BATCH_DATE,
        USER_ID,
        LOCAL_DATE,
        Column("kind", "string", "workout_type (of a completed workout), barrier, skip_reason or app_feature"),
        Column("value", "string", "the value as the app named it, in lower case"),
        _count("mentions", "times it occurred"),
    ),
)

USER_FEATURES = Table(
    name="gold.user_features",
    grain="one row per user and night: the features as known at the end of the batch",
    key=("batch_date", "user_id"),
    columns=(
        BATCH_DATE,
        USER_ID,
        EVENT_TIMESTAMP,
        CREATED_TIMESTAMP,
        TIME_ZONE,
        AS_OF_DATE,
        Column("first_local_date", "date", "local date on which the person was first seen"),
        *FEATURES,
    ),
    keep_daily_days=120,
)

FACT_TABLES = (USER_DAY, USER_DAY_CONTEXT, USER_DAY_CATEGORY, USER_FEATURES)
