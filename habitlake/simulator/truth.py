"""What is true in the simulated world: the effect of every intervention type, and how people respond.

No pipeline code reads this; analyses are validated against it.
"""

# Added to the logit of a session on the day, for a fully responsive person without fatigue.
TRUE_EFFECTS: dict[str, float] = {
    "preparation_optimization": 0.45,
    "context_optimization": 0.60,
    "barrier_prevention": 0.70,
    "social_reinforcement": 0.55,
    "encouragement": 0.30,
    "recovery_day": 0.00,
    "sleep_hygiene": 0.10,
    "stress_relief": 0.20,
    "goal_adjustment": 0.40,
    "streak_protection": 0.50,
}
# Dosage x <- 0.95 x + 1 per message (HeartSteps V2); each unit lowers the effect and annoys a little.
DOSAGE_DECAY = 0.95
EFFECT_FADING = 0.25
ANNOYANCE = 0.04

INTERCEPT = -2.5
HABIT_WEIGHT = 2.2
PROPENSITY_SPREAD = 0.55
PLAN_WEIGHT = 1.9
ENERGY_WEIGHT = 0.22
STRESS_WEIGHT = -0.18
EFFICACY_WEIGHT = 0.5
LAPSE_WEIGHT = -0.06
PARTNER_WEIGHT = 0.7
# Part of the day of a session: best in the preferred one for most people, in another one for some.
PREFERRED_SLOT_SHARE = 0.6
PREFERRED_SLOT_EFFECT = 0.9
OTHER_SLOT_EFFECT = -1.0
SLOT_SPREAD = 0.25
PREFERS_A_WORSE_SLOT = 0.1
# What the weather of the day takes from a session outdoors; degrees Fahrenheit.
COLD_BELOW_F, HOT_ABOVE_F = 41.0, 86.0
WET_OUTDOORS = -0.9
COLD_OUTDOORS = -0.5
HOT_OUTDOORS = -0.5
# Of the forecast, for each day ahead: share of days whose kind of weather is drawn anew, and error of the temperature.
FORECAST_WRONG = 0.08
FORECAST_ERROR_F = 1.5
# What no device sees: the rest of life pulls towards or away from training, some days in a row.
LIFE_MEMORY = 0.85
LIFE_SHOCK = 0.55

# Habit: grows by doing, decays otherwise (Lally 2010: about 66 days to a plateau).
HABIT_GAIN = 0.045
HABIT_LOSS_MISS = 0.035
HABIT_DECAY = 0.004
# Self-efficacy as in the goal model: p <- 0.85 p + mu when the planned session was done (Zhou 2018).
EFFICACY_DECAY = 0.85

# Kilograms that a session takes off somebody who wants to lose weight, and that a day without any puts on.
WEIGHT_PER_SESSION = -0.12
WEIGHT_PER_REST_DAY = 0.01
WEIGHING = 0.05

BASE_DROP_OUT = 0.0012
LAPSED_DROP_OUT = 0.02
INJURY_BASE = 0.0008
INJURY_LOAD = 0.003
SAFE_LOAD = 2.5
GAP_START = 0.012
TRAVEL_START = 0.0015
TRAVEL_END = 0.12
