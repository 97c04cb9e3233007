"""The response model finds effects through wrong baselines, shares what it learns, and adds up exactly."""

import numpy as np
import polars as pl
import pytest

from interventions.arms import HIGHEST, LOWEST, arm_probabilities
from interventions.response.model import SUMS, added, beliefs, contribution, nothing

TYPES = 6
LIBRARY = pl.DataFrame(
    [(f"type_{kind}", f"entry_{kind}_{number}", 0.04) for kind in range(TYPES) for number in range(3)],
    schema=["action", "intervention", "expected"],
    orient="row",
)


def decisions(action: str, intervention: str, effect: float, count: int, seed: int) -> pl.DataFrame:
    """Return decisions of an intervention whose effect fades by 0.01 a unit of dosage; the baseline is not linear."""
    draw = np.random.default_rng(seed)
    usual, dosage = 0.6 * draw.random(count), draw.gamma(2.0, 1.0, count)
    chance = np.where(usual > 0.3, 0.75, 0.25)
    drawn = (draw.random(count) < chance).astype(int)
    share = 0.15 + 0.5 * usual**2 - 0.05 * (dosage > 2) + drawn * (effect - 0.01 * dosage)
    return pl.DataFrame(
        {
            "action": action, "intervention": intervention, "usual": usual, "dosage": dosage, "chance": chance,
            "drawn": drawn, "outcome": (draw.random(count) < share).astype(float),
            "delivered": drawn, "opened": 0, "acted": 0, "rated": 0,
        }
    )  # fmt: skip


def leaf(found: pl.DataFrame, intervention: str) -> dict:
    """Return the belief about one intervention."""
    return found.filter(pl.col("intervention") == intervention).row(0, named=True)


def test_sums_add_up_exactly_in_any_grouping_and_order():
    rows = pl.concat([decisions("type_0", f"entry_0_{n}", 0.05, 500, n) for n in range(3)])
    whole = contribution(rows)
    parts = [contribution(part) for part in rows.sample(fraction=1, shuffle=True, seed=1).iter_slices(97)]
    assert added(*parts).equals(whole)
    assert added(nothing(), *reversed(parts)).equals(whole)
    assert set(whole.select(SUMS).dtypes) == {pl.Int64}
    assert whole["decisions"].to_list() == [500] * 3
    assert whole["sends"].to_list() == whole["delivered"].to_list()


def test_effects_are_found_though_the_baseline_is_wrong_and_depends_on_the_probability():
    true = {f"entry_{kind}_{number}": 0.02 + 0.03 * kind for kind in range(TYPES) for number in range(3)}
    rows = [
        decisions(f"type_{name[6]}", name, effect, 20_000, number) for number, (name, effect) in enumerate(true.items())
    ]
    found = beliefs(contribution(pl.concat(rows)), LIBRARY).filter(pl.col("level") == "intervention")
    away = [
        (row["mean_effect"] - true[row["intervention"]]) / row["variance_effect"] ** 0.5
        for row in found.iter_rows(named=True)
    ]
    assert max(map(abs, away)) < 4
    assert np.std(away) < 1.6
    slopes = found.select(
        wrong=(pl.col("mean_slope") + 0.01).abs(), sd=pl.col("variance_slope").sqrt(), mean=pl.col("mean_slope")
    )
    assert (slopes["wrong"] < 4 * slopes["sd"]).all()
    assert (found["prior_share"] < 0.1).all()


def test_a_thin_intervention_is_believed_to_be_like_its_type_and_a_new_type_like_all():
    rows = [decisions(f"type_{kind}", f"entry_{kind}_0", 0.15, 20_000, kind) for kind in range(4)]
    rows.append(decisions("type_0", "entry_0_1", -0.3, 5, 9))
    found = beliefs(contribution(pl.concat(rows)), LIBRARY)
    assert leaf(found, "entry_0_1")["mean_effect"] == pytest.approx(leaf(found, "entry_0_0")["mean_effect"], abs=0.03)
    untried = leaf(found, "entry_5_0")
    assert 0.09 < untried["mean_effect"] < 0.16
    assert untried["variance_effect"] > 4 * leaf(found, "entry_0_0")["variance_effect"]
    assert untried["noise"] is None


def test_before_data_the_library_is_believed_and_what_left_it_is_not_forgotten():
    prior = beliefs(nothing(), LIBRARY.with_columns(expected=pl.Series([0.02, 0.04, 0.06] * TYPES)))
    leaves = prior.filter(pl.col("level") == "intervention")
    assert leaves["mean_effect"].to_list() == [0.02, 0.04, 0.06] * TYPES
    assert set(leaves["prior_share"]) == {1.0}
    gone = contribution(decisions("type_9", "entry_gone", 0.1, 5_000, 3))
    found = beliefs(gone, LIBRARY)
    assert found.filter(pl.col("level") == "intervention").height == LIBRARY.height + 1
    assert leaf(found, "entry_gone")["mean_effect"] == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize(
    ("best", "other", "send", "second"),
    [
        (0.0, np.nan, 0.5, 0.0),
        (9.0, np.nan, HIGHEST, 0.0),
        (-9.0, np.nan, LOWEST, 0.0),
        (0.0, 0.0, 0.5, 0.25),
        (9.0, 9.0, HIGHEST, 0.4),
        (9.0, -9.0, HIGHEST, LOWEST),
        (0.0, -9.0, 0.5, LOWEST),
        (-0.8, -0.8, 0.211855, 0.105928),
        (-9.0, -9.0, LOWEST, 0.0),  # no room for two arms
    ],
)
def test_probabilities_of_the_arms(best, other, send, second):
    one = np.array([1.0])
    found = arm_probabilities(np.array([best]), one, np.array([other]), one, 0.0)
    assert found[1][0] == pytest.approx(second, abs=1e-6)
    assert found[0][0] + found[1][0] == pytest.approx(send, abs=1e-6)


def test_no_arm_that_is_offered_comes_nearer_than_a_tenth():
    draw = np.random.default_rng(0)
    mean, other = draw.normal(0, 2, (2, 20_000))
    sd, other_sd = draw.uniform(0.1, 2, (2, 20_000))
    first, second = arm_probabilities(np.maximum(mean, other), sd, np.minimum(mean, other), other_sd, 0.1)
    assert first.min() >= LOWEST
    assert ((second == 0) | (second >= LOWEST)).all()
    assert (first + second).max() <= HIGHEST + 1e-9
