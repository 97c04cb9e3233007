"""Writing the truth: what each person's day was like, what each batch's dirt must lead to, and the constants."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl

from habitlake.settings import Settings
from habitlake.simulator import truth
from habitlake.simulator.day import Day
from habitlake.simulator.people import SLOTS, State, Traits
from habitlake.storage import join, open_output


def write_truth(
    day: date,
    shard: int,
    users: Sequence[str],
    traits: Traits,
    state: State,
    happened: Day,
    actions: Sequence[str | None],
    expected: Counter[str],
    settings: Settings,
) -> None:
    """Write one row per person for a local day, and the expected verdicts of the batch of that date.

    ``probability`` is that of a session as things were, ``probability_unsent`` without any message; the session
    took place where ``draw < probability``. ``pull`` is the message's true effect on the logit, ``dosage`` and the
    other states are those at the end of the day. ``slot`` is the part of the day of that day's workout, ``best_slot``
    the one of the person's own in which a session is most likely.
    """
    names = np.array(SLOTS)
    frame = pl.DataFrame(
        {
            "user_id": users,
            "present": happened.present,
            "planned": happened.planned,
            "action": actions,
            "reached": happened.reached,
            "pull": happened.pull,
            "probability": happened.probability,
            "probability_unsent": happened.probability_unsent,
            "draw": happened.draw,
            "session": happened.session,
            "skipped": happened.skipped,
            "slot": names[happened.slot],
            "best_slot": names[traits.best_slot],
            "slot_effect": traits.slot_effects[np.arange(len(users)), happened.slot],
            "outdoors": happened.outdoors,
            "completion": happened.completion,
            "sleep_hours": happened.sleep_hours,
            "habit": state.habit,
            "efficacy": state.efficacy,
            "energy": state.energy,
            "stress": state.stress,
            "life": state.life,
            "dosage": state.dosage,
            "load": state.load,
            "weight_kg": state.weight_kg,
            "injured_days": state.injured_days,
            "dropped": state.dropped,
        },
        schema_overrides={"action": pl.String},
    )
    root = str(settings.truth_dir)
    with open_output(join(root, f"local_date={day}", f"people-{shard:05d}.parquet"), settings) as stream:
        frame.write_parquet(stream)
    _write_json(join(root, f"batch_date={day}", f"dirt-{shard:05d}.json"), dict(sorted(expected.items())), settings)


def write_expected_forecast(day: date, expected: Counter[str], settings: Settings) -> None:
    """Write the expected verdicts of the forecast that lands on a UTC date."""
    uri = join(str(settings.truth_dir), f"batch_date={day}", "dirt-weather.json")
    _write_json(uri, dict(sorted(expected.items())), settings)


def write_constants(settings: Settings) -> None:
    """Write the true effects and the other constants of the world."""
    constants = {name.lower(): value for name, value in vars(truth).items() if name.isupper()}
    _write_json(join(str(settings.truth_dir), "effects.json"), constants, settings)


def _write_json(uri: str, values: Mapping[str, object], settings: Settings) -> None:
    with open_output(uri, settings) as stream:
        stream.write(json.dumps(values, indent=2).encode())
