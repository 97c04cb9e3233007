"""The effect that each candidate is believed to have on each person: the response model, the score its prior.

Before any data an intervention is expected to add a tenth of its score to the share of days with a positive response.
As evidence grows the score loses its say: of what it holds against the library's expectation, the share counts by
which the variance of the effect is still the prior's. In a person's first week the score alone speaks.
"""

import polars as pl

from interventions.catalogue import Catalogue, per_catalogue
from interventions.response.model import GROUP, at_dosage, beliefs, nothing

EFFECT_PER_SCORE = 0.1
NEWCOMER_DAYS = 7
BELIEFS = ("mean_effect", "mean_slope", "variance_effect", "covariance", "variance_slope", "prior_share")
# What a message costs later: its dosage weakens the messages of the days after, which are worth less the later they are
# (HeartSteps V2, gamma 0.9) and of which some are never sent.
DOSAGE_DECAY = 0.95
DISCOUNT = 0.9
USUAL_SEND_RATE = 0.4


@per_catalogue
def expectations(catalogue: Catalogue) -> pl.DataFrame:
    """Return each intervention of the library with its ``action`` and the effect ``expected`` of it."""
    rows = [
        (item.action, item.name, round(EFFECT_PER_SCORE * item.base_effectiveness, 6))
        for item in catalogue.interventions
    ]
    return pl.DataFrame(rows, schema={**dict.fromkeys(GROUP, pl.String), "expected": pl.Float64}, orient="row")


@per_catalogue
def unlearned(catalogue: Catalogue) -> pl.DataFrame:
    """Return the beliefs before any data."""
    return beliefs(nothing(), expectations(catalogue))


def dosage_price(known: pl.DataFrame) -> float:
    """Return what a message takes from the later ones, in units of the effect, rounded to 6 decimals.

    Sending adds 1 to the dosage, of which 0.95^t is left after t days: sum over t of gamma (0.95 gamma)^(t-1), times the
    effect lost by a unit of dosage, times how often a message is sent at all.
    """
    slope = known.filter(pl.col("level") == "overall")["mean_slope"].item()
    return round(max(-slope, 0.0) * USUAL_SEND_RATE * DISCOUNT / (1 - DOSAGE_DECAY * DISCOUNT), 6)


def with_effects(
    possible: pl.DataFrame, people: pl.DataFrame, known: pl.DataFrame, catalogue: Catalogue
) -> pl.DataFrame:
    """Add ``effect`` and ``effect_sd`` to candidates, rounded to 6 decimals.

    Parameters
    ----------
    possible
        As of ``interventions.candidates.candidates``.
    people
        Columns ``_row``, ``dosage`` and ``days_since_first_event``.
    known
        Beliefs that hold for everyone but newcomers.
    """
    by_newness = pl.concat(
        [
            frame.filter(pl.col("level") == "intervention").select(*GROUP, *BELIEFS, newcomer=pl.lit(newcomer))
            for frame, newcomer in ((known, False), (unlearned(catalogue), True))
        ]
    )
    believed = by_newness.join(expectations(catalogue), on=GROUP)
    newcomer = pl.col("days_since_first_event") < NEWCOMER_DAYS
    dosage = pl.col("dosage")
    personal = EFFECT_PER_SCORE * pl.col("score") - pl.col("expected")
    mean, variance = at_dosage({name: pl.col(name) for name in BELIEFS}, dosage)
    return (
        possible.join(
            people.select("_row", "dosage", newcomer=newcomer.fill_null(value=False)), on="_row", maintain_order="left"
        )
        .join(believed, on=[*GROUP, "newcomer"], how="left", maintain_order="left")
        .with_columns(
            effect=(mean + pl.col("prior_share") * personal).round(6),
            effect_sd=variance.sqrt().round(6),
        )
        .select(*possible.columns, "effect", "effect_sd")
    )
