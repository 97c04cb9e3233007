"""Gold and ops: facts, features, predictions, decisions and the results of the gates."""

from habitlake.tables.base import BATCH_DATE, USER_ID, Column, Table
from habitlake.tables.features import FEATURES
from habitlake.tables.models import MODELS
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

DECISIONS = Table(
    name="gold.decisions",
    grain="one row per user and local date decided on in a night, sent or not",
    # Stored by person: the three rows of one person sit together, and erasure finds them by statistics.
    key=("batch_date", "user_id", "local_date"),
    columns=(
        BATCH_DATE,
        Column("decision_id", "string", "deterministic id of night, user and local date"),
        USER_ID,
        Column("local_date", "date", "the person's local date that the decision is for"),
        TIME_ZONE,
        Column("horizon", "int", "0 the next local day; 1 and 2 the fallback days after it"),
        Column("decided_at", "timestamp", "end of the night's interval"),
        Column("available", "boolean", "whether the person could be sent anything at all"),
        Column("unavailable_reasons", "array<string>", "why not, when not available"),
        Column("triggers", "array<string>", "triggers that fired, most urgent first"),
        Column("intervention", "string", "entry of the library drawn, or where silence was, the best; null when none"),
        Column("action", "string", "type of that intervention, or none"),
        Column("channel", "string", "channel chosen"),
        Column("send", "boolean", "whether it is sent: available and drawn below the probability"),
        Column("probability", "double", "probability of sending anything given available; 0 when not available"),
        Column("seed", "bigint", "derived seed of the draw"),
        Column(
            "arms", "array<string>", "interventions that were drawn among, the best first; silence is the arm after"
        ),
        Column("arm_actions", "array<string>", "types of the arms"),
        Column("arm_probabilities", "array<double>", "probability of each arm; silence has the rest"),
        Column("arm", "int", "which arm was drawn, 0 the best; null where silence was, and when not available"),
        Column("action_probability", "double", "probability of what was drawn, silence too; null when not available"),
        Column("dosage", "double", "messages delivered, each worth 0.95 to the power of the days since"),
        Column("usual_sessions", "double", "sessions a day of the last 28 days, or since first seen, at least a week"),
        Column(
            "candidates",
            "string",
            "JSON list of {intervention, action, channel, score, effect, effect_sd, probability, trigger, excluded}",
        ),
        Column("features", "string", "JSON of the feature values and scores that were used"),
        Column("message", "string", "text that the person would read", pii=True),
        Column("payload", "string", "JSON payload of the action for the app"),
        Column("send_at", "timestamp", "when to send"),
        Column("expires_at", "timestamp", "after this instant it must not be sent"),
        Column("policy_version", "string", "version of the policy"),
        Column("model", "string", "model whose score was used, null when none was in force"),
        Column("model_version", "string", "version of that model"),
    ),
)

GOALS = Table(
    name="gold.goals",
    grain="one row per user, kind of goal and night: the goal in force on the first local day after the night",
    key=("batch_date", "user_id", "kind"),
    columns=(
        BATCH_DATE,
        USER_ID,
        Column("kind", "string", "weekly_sessions, weekly_minutes or daily_steps (mean of the days with a step count)"),
        Column("valid_for", "date", "first local date that starts after the night's end"),
        Column("week_start", "date", "first of the seven local dates that the goal holds for: those of the plan"),
        Column(
            "recommended_goal",
            "double",
            "the goal: sessions or minutes in seven days, or steps a day; minutes of a week of"
            " unloading are those of its plan",
        ),
        Column(
            "full_goal",
            "double",
            "the goal as it would be in a week that does not unload: what the plan is made from and"
            " the next goal rises from; null before the column was there",
        ),
        Column("planned_goal", "double", "the user model's plan before limits, u_b + p / 2; null with thin history"),
        Column("usual_amount", "double", "mean of the weeks known among the last four before the goal was set"),
        Column("difficulty_level", "string", "easy (success probability 0.7 or more), moderate (0.5 or more) or hard"),
        Column("success_probability", "double", "probability that the person meets the goal, as set"),
        Column("adaptation_strategy", "string", "estimated, step_rule (x1.1 / x0.9), start or recovery"),
        Column(
            "reasons", "array<string>", "rules that changed the goal: guards, largest change, floor, cap, unloading"
        ),
        Column("weeks_known", "bigint", "weeks of the last eight with a known amount"),
        Column("baseline", "double", "estimated amount without any goal; null with thin history"),
        Column("responsiveness", "double", "estimated pull of a goal, p; null with thin history"),
        Column("self_efficacy_gain", "double", "estimated rise of p by a met goal; null with thin history"),
        Column("past_goals", "array<double>", "goals of the eight weeks before, oldest first; null where none was set"),
    ),
    keep_daily_days=30,
)

WORKOUT_PLANS = Table(
    name="gold.workout_plans",
    grain="one row per user and night on which a plan is due: the first, after seven days, or when injuries or stated"
    " health conditions changed",
    key=("batch_date", "user_id"),
    columns=(
        BATCH_DATE,
        USER_ID,
        Column(
            "valid_from", "date", "first of the seven local dates of the plan: the first that starts after the night"
        ),
        Column(
            "due_reason",
            "string",
            "first, week_over, injury_changed or constraint_changed (the plan before it ends early)",
        ),
        Column("sessions", "bigint", "sessions of the week; 0 is a week of rest"),
        Column("session_minutes", "bigint", "minutes of a session, warm-up and cool-down included"),
        Column("minutes", "bigint", "minutes of the week"),
        Column("focus", "string", "kind of the first session; null in a week of rest"),
        Column("place", "string", "home, gym, outdoors or pool, of the first session; null in a week of rest"),
        Column("intensity", "string", "low, medium or high, of the hardest session; null in a week of rest"),
        Column("level", "string", "beginner, intermediate or advanced: the stated level, else beginner"),
        Column("weekdays", "array<string>", "monday to sunday, in order of the sessions"),
        Column("part_of_day", "string", "part of the day of the best success, else the preferred one; null if unknown"),
        Column("block_week", "bigint", "week of the block of four, the last of which unloads; 1 after each deload"),
        Column("deload", "boolean", "a week of unloading: less time, smaller doses, lower intensity"),
        Column("injured", "boolean", "whether an injury or illness was unresolved"),
        Column("injured_regions", "array<string>", "regions that unresolved reports name", pii=True),
        Column("swapped", "boolean", "whether an injury, present or past, or a stated constraint changed an exercise"),
        Column("reasons", "array<string>", "rules that shaped the plan"),
        Column("catalogue_version", "string", "version of the exercises, words and texts"),
        Column("plan", "string", "the plan as JSON (interventions/plans/workout_plan.schema.json)", pii=True),
    ),
    keep_daily_days=120,
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

ONBOARDING = Table(
    name="gold.onboarding",
    grain="one row per user in onboarding and night, the night on which it is over included",
    key=("batch_date", "user_id"),
    columns=(
        BATCH_DATE,
        USER_ID,
        Column("valid_for", "date", "first local date that starts after the night's end"),
        Column("segment", "string", "kind of newcomer; kept once the first stage is left"),
        Column("stage", "string", "core_setup, pattern_discovery, habit_formation or advanced_features"),
        Column("stage_entered_on", "date", "local date from which the stage holds"),
        Column("success_on", "date", "last complete local day when the stage's criterion was first met; null before"),
        Column("completed_steps", "array<string>", "steps that are done or ever were"),
        Column("next_step", "string", "first step of the stage that is not done; null where all are"),
        Column("next_step_due", "date", "local date on which the step is first asked for"),
        Column("due", "boolean", "whether the step comes up on valid_for; never for minors and who opted out"),
        Column("reminders_sent", "bigint", "how often the step came up, this night included"),
        Column("message", "string", "text of the next step in the person's language"),
        Column("path", "string", "the person's path as JSON: stages, steps, days, which are done"),
        Column("estimated_days", "bigint", "days to the end of the path at its pace; 0 when it is over"),
        Column("status", "string", "active, finished (the last criterion is met) or ended (120 days have passed)"),
        Column("onboarding_version", "string", "version of the stages, steps and texts"),
    ),
    keep_daily_days=30,
)

RESPONSE_STATE = Table(
    name="gold.response_state",
    grain="one row per night and intervention, type of intervention, or all of them: what sending does, as learned",
    key=("batch_date", "level", "name"),
    columns=(
        BATCH_DATE,
        Column("level", "string", "overall, action or intervention"),
        Column("name", "string", "the intervention, the type, or overall"),
        Column("action", "string", "type of intervention; null where overall"),
        Column("intervention", "string", "entry of the library; null above it"),
        Column("decisions", "bigint", "decisions learned from: the intervention or silence was drawn"),
        Column("sends", "bigint", "of these, on which the intervention was drawn"),
        Column("sends_positive", "bigint", "sends with a positive response"),
        Column("silent_positive", "bigint", "decisions of silence with a positive response"),
        Column("delivered", "bigint", "sends that were delivered"),
        Column("opened", "bigint", "sends that were opened"),
        Column("acted", "bigint", "sends that were acted on"),
        Column("rated", "bigint", "sends that were rated"),
        Column(
            "mean_effect",
            "double",
            "posterior mean of what sending adds to the share of positive responses, at dosage 0",
        ),
        Column("mean_slope", "double", "posterior mean of what a unit of dosage adds to the effect"),
        Column("variance_effect", "double", "posterior variance of the effect at dosage 0"),
        Column("covariance", "double", "posterior covariance of effect and slope"),
        Column("variance_slope", "double", "posterior variance of the slope"),
        Column("prior_share", "double", "variance of the effect over the prior's: what say the score still has"),
        Column("noise", "double", "variance of the response that nothing explains; null without data"),
        Column("mean_dosage", "double", "mean dosage of the decisions learned from, weighted by what they tell"),
        Column("effect", "double", "posterior mean of the effect at the mean dosage"),
        Column("effect_sd", "double", "its posterior standard deviation"),
        Column(
            "sums", "array<bigint>", "sums of products of regressors and response, millionths; null above interventions"
        ),
    ),
    user_column=None,
)

GATE_RESULTS = Table(
    name="ops.gate_results",
    grain="one row per night, gate, table and expectation",
    key=("batch_date", "gate", "table_name", "expectation"),
    columns=(
        BATCH_DATE,
        Column("gate", "string", "silver, gold or queue"),
        Column("table_name", "string", "table checked"),
        Column("expectation", "string", "name of the expectation with its column"),
        Column("severity", "string", "fail stops the night, warn is shown"),
        Column("success", "boolean", "whether it held"),
        Column("observed", "string", "observed value as JSON"),
        Column("unexpected_count", "bigint", "rows that broke it"),
        Column("row_count", "bigint", "rows checked"),
        Column("sample", "string", "JSON list of a few unexpected values"),
    ),
    user_column=None,
)

MODEL_HEALTH = Table(
    name="ops.model_health",
    grain="one row per night, model and figure: what it reads tonight against the night of its training, on Sundays what became true",
    key=("batch_date", "model", "role", "figure"),
    columns=(
        BATCH_DATE,
        Column("model", "string", "registered model name"),
        Column("role", "string", "champion, or challenger (scored in shadow: outcomes alone, never an alarm)"),
        Column("model_version", "string", "version that scored the night"),
        Column(
            "figure",
            "string",
            "drift (population stability index beyond chance), missing (share of people without a value, above that of"
            " the training), or accuracy, auc, ece, mae of predictions whose outcome became known in the last 30 days;"
            " newest_accuracy, newest_mae of the newest night of these alone",
        ),
        Column("feature", "string", "the feature that drifted most, or went missing most; null for outcomes"),
        Column("value", "double", "the figure"),
        Column(
            "baseline",
            "double",
            "the same figure on the held-out rows on which the version was promoted; of a challenger the champion's on the"
            " same predictions",
        ),
        Column("people", "bigint", "people it rests on, at most 20,000"),
        Column(
            "alarm",
            "boolean",
            "asks for retraining: drift above 0.3, or accuracy below 0.95 of its baseline (an error above it over 0.95), by"
            " 3.3 standard errors at least",
        ),
    ),
    user_column=None,
)

GOLD_TABLES = (
    USER_DAY,
    USER_DAY_CONTEXT,
    USER_DAY_CATEGORY,
    USER_FEATURES,
    PREDICTIONS,
    SHADOW_PREDICTIONS,
    USER_PREDICTIONS,
    GOALS,
    WORKOUT_PLANS,
    WORKOUT_WINDOWS,
    USER_WINDOWS,
    ONBOARDING,
    RESPONSE_STATE,
    DECISIONS,
)
OPS_TABLES = (GATE_RESULTS, MODEL_HEALTH)
