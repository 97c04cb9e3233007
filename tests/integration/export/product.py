"""Rows that the marts of interventions, product and quality are built from, written by hand."""

from datetime import UTC, datetime

from habitlake.settings import Settings
from tests.integration.export.rows import answer, decision, night, write

SUNDAYS = (4, 11, 18, 25)


def write_product(settings: Settings, people: list[str], first: int, last: int) -> None:
    """Nightly decisions with answers, weekly features with predictions, uses of two features, one rating a person."""
    sundays = [day for day in SUNDAYS if first <= day <= last]
    nights = range(first, min(last, 30) + 1)
    decisions = [
        decision(day, user, day + 1, send=(day + number) % 2 == 0)
        for day in nights
        for number, user in enumerate(people)
    ]
    answers = [
        answer(day, f"{day - 1}-{user}-{day}", kind)
        for day in nights[1:]
        for number, user in enumerate(people)
        if (day - 1 + number) % 2 == 0
        for kind in ("delivered", *(["acted"] if number % 3 == 0 else []))
    ]
    features = [
        {"batch_date": night(day), "user_id": user, "as_of_date": night(day), "sessions_28d": number + 4,
         "days_since_first_event": 20, "observed_days_28d": 20, "consistency_score": 0.5 + number / 20}
        for day in sundays
        for number, user in enumerate(people)
    ]  # fmt: skip
    predictions = [
        {"batch_date": night(day), "user_id": user, "model": "adherence", "model_version": "1",
         "probability": (37 * number + day) % 100 / 100}
        for day in sundays
        for number, user in enumerate(people)
    ]  # fmt: skip
    uses = [
        {"batch_date": night(day), "user_id": user, "local_date": night(day), "kind": "app_feature",
         "value": "workout_plan" if number % 4 else "community", "mentions": 1}
        for day in sundays
        for number, user in enumerate(people)
    ]  # fmt: skip
    ratings = [
        {"batch_date": night(first), "event_id": f"rating-{user}", "user_id": user, "rating": 4.0, "nps": 9,
         "event_type": "satisfaction_reported", "event_at": datetime(2026, 1, first, 12, tzinfo=UTC),
         "event_date": night(first)}
        for user in people
    ]  # fmt: skip
    for name, rows in {
        "gold.decisions": decisions,
        "silver.intervention_events": answers,
        "gold.user_features": features,
        "gold.predictions": predictions,
        "gold.user_day_category": uses,
        "silver.wellbeing": ratings,
    }.items():
        write(settings, name, rows, first, last)
