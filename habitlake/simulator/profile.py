"""The profile that a person tells the app."""

from typing import Any

from habitlake.simulator.people import (
    EQUIPMENT,
    GENDERS,
    GOALS,
    INJURIES,
    LANGUAGES,
    LEVELS,
    NEVER_INJURED,
    SLOTS,
    STYLES,
    WEEKDAYS,
    WORKOUT_TYPES,
    Traits,
)


def profile_data(traits: Traits, row: int, weight_kg: float) -> dict[str, Any]:
    """Return the payload of a profile event but for the time zone and the day of sign-up."""
    duration, past = float(traits.duration_min[row]), int(traits.past_injury[row])
    return {
        "demographics": {
            "firstName": f"Person {traits.person[row]}",
            "age": int(traits.age[row]),
            "gender": GENDERS[int(traits.gender[row])],
            "fitnessLevel": LEVELS[int(traits.level[row])],
            **({"height": float(traits.height_cm[row]), "weight": weight_kg} if traits.loses_weight[row] else {}),
        },
        "goals": {
            "primary": GOALS[int(traits.goal[row])],
            "targetSessions": int(traits.weekly_target[row]),
            **({"targetWeight": float(traits.target_weight_kg[row])} if traits.loses_weight[row] else {}),
            **({"targetSteps": int(traits.target_steps[row])} if traits.target_steps[row] else {}),
        },
        "preferences": {
            "workoutTypes": [WORKOUT_TYPES[int(traits.workout_type[row])]],
            "workoutDuration": [max(duration - 10, 10), duration + 10],
            "preferredTimes": [SLOTS[int(traits.slot[row])]],
            "equipment": [name for name, owned in zip(EQUIPMENT, traits.equipment[row], strict=True) if owned],
            "communicationStyle": STYLES[int(traits.style[row])],
            "language": LANGUAGES[int(traits.language[row])],
            "notifications": bool(traits.consents[row]),
        },
        "constraints": {
            "availableTime": duration + 10,
            "injuryHistory": [] if past == NEVER_INJURED else [INJURIES[past]],
            "schedule": {
                name: {"available": bool(planned)} for name, planned in zip(WEEKDAYS, traits.schedule[row], strict=True)
            },
        },
        "subscriptionTier": "premium" if traits.sociable[row] > 0.35 else "free",
    }
