"""Is the model right: what it said of people tonight, what became of earlier predictions, and who judged it."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from habitlake.cli.stage import read_json
from habitlake.report import wording
from habitlake.report.charts import Bin, Series, reliability, stacked_bars
from habitlake.report.panels import Content, MissingError, Recipe, described
from habitlake.report.stores import Row, Stores

MODEL = "adherence"
# Six days after its Monday a week ends, and two nights later its events have arrived.
KNOWN_AFTER = 8
SCORED_NIGHTS = 90
RISKIEST = 0.2
METRICS = {
    "auc": "↑ how well it ranks people (AUC; 0.5 is chance, 1 perfect)",
    "brier": "↓ error of the probability (Brier score; 0 is perfect)",
    "ece": "↓ calibration error (ECE; 0 is perfect)",
    "accuracy": "↑ correct predictions at a threshold of 50 %",
    "f1": "↑ F1 at a threshold of 50 %: harmonic mean of precision and recall",
}
ADHERENCE = (
    "at least 80 % of the workouts planned for the 7 days after the as-of date are completed; where none is planned, of"
    " the person's habitual weekly sessions"
)


def in_force(stores: Stores, night: date) -> Content:
    """Return what the registry knows, and the scores that the night gave."""
    scores = stores.lake(
        "SELECT least(floor(probability * 10), 9)::INT AS tenth, count(*) AS people FROM gold.predictions"
        " WHERE batch_date = ? AND model = ? GROUP BY tenth ORDER BY tenth",
        night,
        MODEL,
    )
    facts = stores.lake(
        "SELECT count(*) AS people, any_value(model_version) AS version, avg(probability) AS mean,"
        " median(confidence) AS confidence, count(*) FILTER (input_quality = 'thin') AS thin"
        " FROM gold.predictions WHERE batch_date = ? AND model = ?",
        night,
        MODEL,
    )
    models: list[Mapping[str, Any]] = read_json("models.lifecycle.registry", ["--json"])
    return in_force_view(scores, facts[0], next((one for one in models if one["name"] == MODEL), None))


def in_force_view(scores: Sequence[Row], facts: Row, registered: Mapping[str, Any] | None) -> Content:
    """Shape the model panel."""
    if registered is None and not facts["people"]:
        msg = "no model was trained yet: `habitlake retrain` trains the first, once two weeks of nights are known"
        raise MissingError(msg)
    tenths = {row["tenth"]: row["people"] for row in scores}
    labels = [f"{tenth * 10}–{tenth * 10 + 10} %" for tenth in range(10)]
    metrics = list(registered["metrics"]) if registered else []
    return {
        "registered": registered,
        "facts": facts,
        "chart": stacked_bars(
            [Series("people", "s1", tuple(tenths.get(tenth, 0) for tenth in range(10)))],
            labels,
            label=f"People by predicted probability of adherence; {facts['people']:,} people",
            x_title="predicted probability of a week as planned",
            y_title="people",
        )
        if facts["people"]
        else None,
        "metrics": [(name, METRICS.get(name, name)) for name in (metrics[0] if metrics else {}) if name != "score"],
        "scores": metrics,
    }


def calibration(stores: Stores, night: date) -> Content:
    """Return the newest predicted week whose outcome is known by the night, beside what came true."""
    rows = stores.postgres(
        "SELECT week_start_date, model_version, people, base_rate, mean_predicted, auc, auc_low, auc_high,"
        " calibration_error, calibration_bins FROM marts.mart_model_performance"
        " WHERE model = %s AND week_start_date + %s <= %s ORDER BY week_start_date DESC, people DESC LIMIT 1",
        MODEL,
        KNOWN_AFTER,
        night,
    )
    first = stores.lake(
        "SELECT min(batch_date) AS scored FROM gold.predictions WHERE batch_date BETWEEN ? AND ? AND model = ?",
        night - timedelta(days=SCORED_NIGHTS),
        night,
        MODEL,
    )[0]["scored"]
    return calibration_view(night, rows, first)


def calibration_view(night: date, rows: Sequence[Row], first: date | None) -> Content:
    """Shape the reliability chart and the lift from groups of people in order of their prediction."""
    if not rows and first is None:
        msg = "no night was scored yet: a model is in force once `habitlake retrain` has promoted one"
        raise MissingError(msg)
    if not rows:
        msg = (
            f"the first scored night is {first}; a prediction is judged on a whole week from Monday to Sunday after it,"
            f" with two more nights for late events, and no such week has passed by {night}"
        )
        raise MissingError(msg)
    week = rows[0]
    bins = []
    missed = []
    for part in week["calibration_bins"]:
        people, observed = int(part["people"]), float(part["observed"])
        low, high = wording.wilson(observed * people, people) or (0.0, 1.0)
        bins.append(Bin(float(part["predicted"]), observed, low, high, people))
        missed.append(round((1 - observed) * people))
    riskiest = max(1, round(RISKIEST * len(bins)))
    of_riskiest = sum(one.cases for one in bins[:riskiest])
    rate = sum(missed[:riskiest]) / of_riskiest
    base = sum(missed) / week["people"]
    return {
        "week": week,
        "last": week["week_start_date"] + timedelta(days=6),
        "chart": reliability(
            bins, label=f"Observed against predicted share of adherent people in {len(bins)} groups of {week['people']}"
        ),
        "bins": bins,
        "base": base,
        "riskiest": rate,
        "riskiest_people": of_riskiest,
        "riskiest_bounds": wording.wilson(sum(missed[:riskiest]), of_riskiest),
        "lift": rate / base if base else None,
        "caught": sum(missed[:riskiest]) / sum(missed) if sum(missed) else None,
    }


IN_FORCE = Recipe(
    "model",
    "The model in force",
    "What it expects of people's coming week, and how it was judged before it was allowed to.",
    in_force,
    (
        ("adherence", ADHERENCE),
        *described("gold.predictions", ("probability", "confidence", "input_quality", "model_version")),
        (
            "held-out figures",
            "on people or weeks the model did not train on, with 95 % intervals by bootstrap over people",
        ),
        (
            "baselines",
            "base rate, frequency 7d and recency frequency are simple rules: a model that does not beat them is refused",
        ),
        ("↑ and ↓", "the direction that is better"),
    ),
)
CALIBRATION = Recipe(
    "calibration",
    "Were the predictions right",
    "Predictions for the newest week whose outcome is known, beside what people then did.",
    calibration,
    (
        ("group", "people in order of their prediction, cut into ten parts of equal size"),
        ("predicted", "mean predicted probability of adherence in the group"),
        ("observed", "share of the group that adhered; the line through a dot is its 95 % Wilson interval"),
        ("on the diagonal", "people given 70 % adhere in 70 % of cases; above it the model is too cautious"),
        (
            "lift",
            "misses among the fifth with the lowest predictions over misses among all: 1 is no better than chance",
        ),
        ("who counts", "people known for two weeks or more, scored for that week, with any sign of use in it"),
        (
            "AUC",
            "how well predictions rank people: the chance that of two people the adherent one has the higher; 0.5 is chance",
        ),
        (
            "calibration error (ECE)",
            "mean difference of predicted and observed over the groups, weighted by people",
        ),
    ),
)
