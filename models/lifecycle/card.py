"""The model card, written from the run."""

from typing import Any

from models.lifecycle.metrics import LOWER_IS_BETTER
from models.lifecycle.spec import ModelSpec, Target

SPLITS = {
    "forward": "forward in time with a gap of {days} days",
    "people": (
        "by people: the nights do not reach for a test {days} days after the training, so people who never train are the"
        " test, on the same nights (what all people shared on those nights is known to both)"
    ),
}


def _data(spec: ModelSpec, evaluation: dict[str, Any]) -> str:
    what = "base rate" if spec.target is Target.EVENT else "mean"
    return (
        f"**Data** {evaluation['rows']} rows{' (a row is a day ahead)' if spec.days else ''} of {evaluation['people']}"
        f" people, {what} {evaluation['base_rate']}."
        " Features as known on each night (Feast, point in time); windows whose outcome cannot be known are censored."
    )


def _groups(evaluation: dict[str, Any], metric: str) -> list[str]:
    """Return the figures of groups of people, of which the test holds enough."""
    if not evaluation["groups"]:
        return ["**Groups** Too few people of any age band, gender or fitness level to judge them apart."]
    lines = [f"| group | people | mean label | {metric} |", "|---|---|---|---|"]
    for group in evaluation["groups"]:
        value, low, high = group[evaluation["metric"]]
        name = f"{group['group']} {group['value']}".replace("_", " ")
        lines.append(f"| {name} | {group['people']} | {group['base_rate']:.3f} | {value:.3f} [{low:.3f}, {high:.3f}] |")
    return lines


def model_card(spec: ModelSpec, evaluation: dict[str, Any], interval: str) -> str:
    """Return the card as Markdown: data, split, figures with intervals beside the baselines, limits."""
    metric = evaluation["metric"].upper()
    metrics = list(next(iter(evaluation["figures"].values())))
    lines = [
        f"# Model card: {spec.name}",
        "",
        f"Best candidate: **{evaluation['best']}**. Nights {interval}."
        + (
            " Marked *pilot*: fewer rows than the normal floor, or no test later in time."
            if evaluation["pilot"]
            else ""
        ),
        "",
        f"**Predicts** {spec.predicts}.",
        "",
        f"**For** {spec.eligible_means}.",
        "",
        _data(spec, evaluation),
        "",
        (
            f"**Split** {SPLITS[evaluation['split_kind']].format(days=spec.horizon_days)}; {evaluation['test_rows']} test"
            f" rows of {evaluation['test_people']} people. {metric} on people never trained on:"
            f" {evaluation['unseen_people']}, on people seen: {evaluation['seen_people']}."
        ),
        "",
        "| score | " + " | ".join(metrics) + " |",
        "|---|" + "---|" * len(metrics),
    ]
    for name, values in evaluation["figures"].items():
        cells = (f"{value:.3f} [{low:.3f}, {high:.3f}]" for value, low, high in values.values())
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    if evaluation["not_trained"]:
        lines += ["", f"**Not trained** {evaluation['not_trained']}."]
    if evaluation["interval_held"] is not None:
        lines += ["", f"**Interval** of 80 %: it held {evaluation['interval_held']:.1%} of the amounts."]
    if held := evaluation.get("weeks_held"):
        lines[-1] += f" Those of the weeks held {', '.join(f'{share:.1%}' for share in held)}."
    direction = "below" if evaluation["metric"] in LOWER_IS_BETTER else "above"
    lines += ["", "Intervals: 95 %, bootstrap over people. ECE over 10 bins of equal size.", ""]
    lines.append(f"**{metric} {direction}**")
    for name, (value, low, high) in evaluation["difference_to"].items():
        lines.append(f"- {name}: {value:+.3f} [{low:+.3f}, {high:+.3f}], paired")
    lines += ["", *_groups(evaluation, metric)]
    lines += [
        "",
        f"**Elsewhere** {spec.anchor}.",
        "",
        (
            "**Limits** Observational: a factor is no cause. People who stop using the app leave the data; the model speaks"
            " of those who still show signs of use. Not for decisions about health, insurance or employment."
            + (f" {spec.limits}" if spec.limits else "")
        ),
        "",
    ]
    return "\n".join(lines)
