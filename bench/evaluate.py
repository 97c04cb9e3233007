"""``python -m bench.evaluate --world demo=HOME --world lifesnaps=HOME``: write docs/evaluation.md.

Each world is a HABITLAKE_HOME whose nights were run (`make nightly`, with DATA= for a real set). It is read, and Feast's
registry in it is written; no model is registered.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from bench.evaluation import EVERYBODY, HIDDEN_STATES, ORACLE, WORLD_FORECAST, Found, evaluate
from bench.forecast import FUTURES
from bench.network import Scoring
from bench.network import measure as measure_network
from habitlake.cli.app import run_app
from habitlake.cli.output import console
from habitlake.errors import PermanentError
from habitlake.settings import PROJECT_ROOT
from models.lifecycle.metrics import AMOUNT_METRICS, EVENT_METRICS
from models.lifecycle.spec import BOOTSTRAP_SAMPLES, Target

PAGE = PROJECT_ROOT / "docs" / "evaluation.md"
GOAL_OF_ORACLE = 0.97
GOAL_ECE = 0.03
BOUNDS = {
    ORACLE: "no forecast reaches it",
    WORLD_FORECAST: "the reachable bound",
    HIDDEN_STATES: "a model that sees into people",
}
HEAD = f"""# How well the models predict

Written by `make evaluate`; nothing here is written by hand. Each world is the lake of nights that were run; data set,
split, candidates and baselines are those of `retrain` (docs/adr/0007), and nothing is registered.

- *seen*, *unseen*: people who train and people who never do. A *forward* split tests on later nights, a label window
  apart; a *people* split tests on unseen people on all nights, where there are too few nights for the other.
- Brackets: 95 % interval by bootstrap over people, {BOOTSTRAP_SAMPLES} resamples. ECE over ten bins of equal size.
- Bounds, of the simulated world alone. *oracle*: its own probability of each of the coming days, as things then were. It
  knows what those days bring, so no forecast reaches it. *world_forecast*: the share of {FUTURES} futures in which the label
  holds, lived on from the true states of people on the night: whoever sees into people and knows the world's rules can
  say no more. This is the reachable bound. *hidden_states*: logistic regression that sees those states (habit, efficacy,
  energy, stress, what no device sees) beside the features.
- *fit*: seconds of a fit on the training rows; the blends share their members, whose fits are the first one's. *scored*,
  *explained*: people a second in one process.

**Tolerance**: the same lake, lock and processor give the same figures to the last digit shown but one; other processors
may round differently (0.002 of an AUC). Times vary by half.
"""


def figure(found: Sequence[float]) -> str:
    """Return a value and its interval as the page shows it."""
    value, low, high = found
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def table(columns: Sequence[str], rows: Iterator[Sequence[str]]) -> list[str]:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]


def figure_rows(found: Found, metrics: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield a row per part of the test and score."""
    speeds = found.speed or {}
    for part, scores in (found.figures or {}).items():
        for score, values in scores.items():
            speed = speeds.get(score) if part == EVERYBODY else None
            cost = (
                (f"{speed.fit_seconds:.1f}", f"{speed.scored:,.0f}", f"{speed.explained:,.0f}") if speed else ("",) * 3
            )
            name = f"**{score}**" if score == found.best else score
            yield (part, name, *(figure(values[metric]) for metric in metrics), *cost)


def goals(found: Found) -> Iterator[str]:
    """Yield what the figures say of the goals, where a goal is set."""
    own = (found.figures or {}).get(EVERYBODY, {})
    if found.spec.target is Target.EVENT and found.best in own:
        calibration = own[found.best]["ece"]
        said = "met" if calibration[0] <= GOAL_ECE else "missed"
        yield f"- ECE of {found.best} {figure(calibration)}, goal {GOAL_ECE}: {said}"
    for bound, what in BOUNDS.items():
        if bound in own:
            share = own[found.best]["auc"][0] / own[bound]["auc"][0]
            said = "met" if share >= GOAL_OF_ORACLE else "missed"
            yield f"- AUC of {found.best} is {share:.3f} of that of {bound} ({what}), goal {GOAL_OF_ORACLE}: {said}"


def section(found: Found) -> list[str]:
    """Return what is known of one model in one world."""
    title = [f"### {found.world}: {found.spec.name}", "", f"Predicts {found.spec.predicts}.", ""]
    if found.figures is None:
        return [*title, f"Nights {found.nights}: {found.refused}.", ""]
    if found.refused is not None:
        title += [f"`retrain` trains none here: {found.refused}. Measured all the same.", ""]
    tested = ", ".join(
        f"{name} {rows:,} rows of {people:,} people" for name, (rows, people) in (found.tested or {}).items()
    )
    metrics = tuple(EVENT_METRICS if found.spec.target is Target.EVENT else AMOUNT_METRICS)
    lines = [
        *title,
        (
            f"Nights {found.nights}; {found.rows:,} rows of {found.people:,} people, mean of the label"
            f" {found.base_rate:.3f}; split {found.split}; tests: {tested}."
        ),
        "",
        *table(("test", "score", *metrics, "fit s", "scored/s", "explained/s"), figure_rows(found, metrics)),
        "",
        f"By how much {found.best} is ahead in {found.spec.target.metric}, paired, over all tests:",
        "",
    ]
    for name, (value, low, high) in (found.ahead or {}).items():
        lines.append(f"- {name}: {value:+.3f} [{low:+.3f}, {high:+.3f}]")
    return [*lines, *goals(found), ""]


def summary(found: Iterable[Found]) -> Iterator[Sequence[str]]:
    """Yield a row per model and world: what is proposed, how good it is, and by how much it beats the best baseline."""
    for one in found:
        if one.figures is None or one.ahead is None:
            yield (one.world, one.spec.name, f"none: {one.refused}", *[""] * 4)
            continue
        own, metric = one.figures[EVERYBODY], one.spec.target.metric
        baselines = {name: ahead for name, ahead in one.ahead.items() if name not in one.spec.candidates()}
        nearest = min(baselines, key=lambda name: baselines[name][0])
        difference, low, high = baselines[nearest]
        reachable = f"{own[one.best][metric][0] / own[WORLD_FORECAST][metric][0]:.3f}" if WORLD_FORECAST in own else ""
        yield (
            one.world,
            one.spec.name,
            one.best,
            f"{metric.upper()} {figure(own[one.best][metric])}",
            f"{difference:+.3f} [{low:+.3f}, {high:+.3f}] over {nearest}",
            figure(own[one.best]["ece"]) if one.spec.target is Target.EVENT else "",
            reachable,
        )


def network_section(found: Scoring) -> list[str]:
    """Return how fast the network scores people, beside TensorFlow."""
    rows = ((name, f"{people:,}", f"{rate:,.0f}") for name, people, rate in found.rates)
    return [
        "## The network's speed",
        "",
        *table(("way", "people", "people/s"), rows),
        "",
        f"Largest difference of the log-odds between the ways: {found.largest_difference:.1e}.",
        "",
    ]


def page(found: Mapping[str, Sequence[Found]], network: Scoring) -> str:
    """Return the whole page."""
    columns = ("world", "model", "proposed", "figure", "ahead of the best baseline", "ECE", "of the reachable bound")
    everything = (one for models in found.values() for one in models)
    lines = [HEAD, "## In short", "", *table(columns, summary(everything)), ""]
    for world, models in found.items():
        lines += [f"## {world}", ""]
        for one in models:
            lines += section(one)
    return "\n".join([*lines, *network_section(network)])


def main(
    world: Annotated[list[str], typer.Option(help="NAME=HABITLAKE_HOME of a world whose nights were run; repeat")],
    page_path: Annotated[Path, typer.Option("--page", help="where the page is written")] = PAGE,
) -> None:
    """Fit and measure every model in every world, and write the page."""
    if find_spec("tensorflow") is None:
        msg = "TensorFlow is not installed, without which not every model can be fitted; `make evaluate` installs it"
        raise PermanentError(msg)
    found: dict[str, list[Found]] = {}
    for one in world:
        name, _, home = one.partition("=")
        if not (Path(home) / "lake").is_dir():
            msg = f"--world {one}: {home or 'no folder'} holds no lake; give NAME=HABITLAKE_HOME of a world with nights"
            raise typer.BadParameter(msg)
        console.print(f"[bold]==>[/bold] {name}")
        for model in evaluate(name, Path(home)):
            console.print(f"    {model.spec.name}: {model.best or model.refused}")
            found.setdefault(name, []).append(model)
    page_path.write_text(page(found, measure_network()))
    console.print(f"written: {page_path}")


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    run_app(app)
