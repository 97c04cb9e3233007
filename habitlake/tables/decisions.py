"""Gold: what is recommended to people and decided for them, and what was learned of it."""

from habitlake.tables.base import BATCH_DATE, USER_ID, Column, Table
from habitlake.tables.gold import TIME_ZONE

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

DECISION_TABLES = (GOALS, WORKOUT_PLANS, ONBOARDING, RESPONSE_STATE, DECISIONS)
