"""The model card, written from the run."""

from typing import Any

from models.adherence.config import CONFIG


def model_card(dataset: dict[str, Any], evaluation: dict[str, Any], interval: str) -> str:
    """Return the card as Markdown: data, split, figures with intervals beside the baselines, limits."""
    lines = [
        f"# Model card: {CONFIG.name}",
        "",
        f"Best candidate: **{evaluation['best']}**. Nights {interval}."
        + (" Marked *pilot*: fewer rows than the normal floor." if evaluation["pilot"] else ""),
        "",
        (
            f"**Predicts** whether a person does at least {CONFIG.adherence_share:.0%} of the sessions planned for the next"
            f" {CONFIG.label_days} complete local days; where none is planned, of their usual week."
        ),
        "",
        (
            f"**Data** {dataset['rows']} rows of {dataset['people']} people, base rate {dataset['base_rate']}."
            " Features as known on each night (Feast, point in time); windows without any sign of use are censored."
        ),
        "",
        (
            f"**Split** forward in time with a gap of {CONFIG.label_days} days; {evaluation['test_rows']} test rows of"
            f" {evaluation['test_people']} people. AUC on people never trained on: {evaluation['auc_unseen_people']},"
            f" on people seen: {evaluation['auc_seen_people']}."
        ),
        "",
        "| score | " + " | ".join(next(iter(evaluation["figures"].values()))) + " |",
        "|---|" + "---|" * len(next(iter(evaluation["figures"].values()))),
    ]
    for name, metrics in evaluation["figures"].items():
        cells = (f"{value:.3f} [{low:.3f}, {high:.3f}]" for value, low, high in metrics.values())
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "Intervals: 95 %, bootstrap over people. ECE over 10 bins of equal size.", "", "**AUC above**"]
    for name, (value, low, high) in evaluation["difference_to"].items():
        lines.append(f"- {name}: {value:+.3f} [{low:+.3f}, {high:+.3f}], paired")
    lines += [
        "",
        (
            "**Limits** Observational: a factor is no cause. People who stop using the app leave the data; the model speaks"
            " of those who still show signs of use. Not for decisions about health, insurance or employment."
        ),
        "",
    ]
    return "\n".join(lines)
