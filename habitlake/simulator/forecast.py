"""The weather forecast of the world: each night, for the next three local dates of every zone, right more often near by.

The weather of this world is that of a whole local day, and so are a forecast's errors; the feed tells it by parts of the day.
Its draws are its own, so a world's events are the same with or without it.
"""

import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import orjson

from habitlake.clock import first_day_after
from habitlake.contracts import Reason
from habitlake.settings import Settings
from habitlake.simulator import truth
from habitlake.simulator.dirt import DUPLICATE, TEXT_DAMAGES
from habitlake.simulator.draws import normal, uniform
from habitlake.simulator.local_day import KINDS, WET_KIND, LocalDay, weather_of
from habitlake.simulator.people import ZONES
from habitlake.storage import join, open_output

FILE = "forecast.jsonl.gz"
DATES = 3
# First local hour and length of each part of the day.
PARTS = ((6, 1), (7, 4), (11, 3), (14, 4), (18, 4))
WET_SHARE = 1 - WET_KIND / KINDS
# Purposes of draws, of which there is one per zone or line instead of one per person.
WRONG, KIND, TEMPERATURE, HIT, DAMAGE = range(110, 115)

Line = dict[str, Any]


def forecast(seed: int, first: date, day: date) -> list[Line]:
    """Return the clean lines that are issued on the evening of a UTC date, by local date, zone and hour.

    Each date that a forecast lies ahead makes it wrong more often: the kind of weather is then drawn anew. The
    probability of precipitation allows for that, so it is what comes true.

    Parameters
    ----------
    first
        First day of the world, from which its weather is counted.
    """
    places, starts = np.arange(len(ZONES)), [first_day_after(day, name) for name in ZONES]
    lines = []
    for local_date in sorted({start + timedelta(days=number) for start in starts for number in range(DATES)}):
        index, ahead = (local_date - first).days, (local_date - day).days
        local = LocalDay(seed, index, local_date)
        share = truth.FORECAST_WRONG * ahead
        wrong = uniform(seed, places, index, WRONG) < share
        kinds = np.where(wrong, uniform(seed, places, index, KIND) * KINDS, local.kinds)
        error = truth.FORECAST_ERROR_F * ahead * normal(seed, places, index, TEMPERATURE)
        temperatures = np.array(local.temperature) + error
        wet = np.round((1 - share) * (kinds >= WET_KIND) + share * WET_SHARE, 2)
        lines += [
            {
                "timeZone": ZONES[zone],
                "localDate": str(local_date),
                "hour": hour,
                "hours": hours,
                "issuedAt": f"{day}T21:00:00Z",
                "weather": weather_of(kinds[zone], temperatures[zone]),
                "temperature": round(float(temperatures[zone]), 1),
                "precipitationProbability": float(wet[zone]),
            }
            for zone, start in enumerate(starts)
            if start <= local_date < start + timedelta(days=DATES)
            for hour, hours in PARTS
        ]
    return lines


def _in_kelvin(line: Line) -> Line:
    return {**line, "temperature": round((line["temperature"] + 459.67) / 1.8, 1)}


def _without_weather(line: Line) -> Line:
    return {name: value for name, value in line.items() if name != "weather"}


def _damaged(change: Callable[[Line], Line]) -> Callable[[Line], list[bytes]]:
    return lambda line: [orjson.dumps(change(line))]


def _torn(damage: Callable[[bytes], bytes]) -> Callable[[Line], list[bytes]]:
    return lambda line: [damage(orjson.dumps(line))]


# What arrives in place of a line, and the verdict that ingestion must reach of one of the lines.
DAMAGES: tuple[tuple[str, Callable[[Line], list[bytes]]], ...] = (
    *((str(reason), _torn(damage)) for reason, damage in TEXT_DAMAGES.values()),
    (str(Reason.OUT_OF_RANGE), _damaged(_in_kelvin)),
    (str(Reason.MISSING_FIELD), _damaged(_without_weather)),
    (DUPLICATE, lambda line: [orjson.dumps(line)] * 2),
    (
        str(Reason.CONFLICT),
        lambda line: [orjson.dumps(line), orjson.dumps({**line, "temperature": line["temperature"] + 1})],
    ),
)


def _soiled(lines: list[Line], dirt: float, seed: int, index: int, expected: Counter[str]) -> Iterator[bytes]:
    """Yield the lines as they arrive, a share of them damaged or repeated; counts the verdicts to expect."""
    numbers = np.arange(len(lines))
    hits = uniform(seed, numbers, index, HIT) < dirt
    kinds = (uniform(seed, numbers, index, DAMAGE) * len(DAMAGES)).astype(np.int64)
    for line, hit, kind in zip(lines, hits.tolist(), kinds.tolist(), strict=True):
        if not hit:
            yield orjson.dumps(line)
            continue
        verdict, arrive = DAMAGES[kind]
        expected[verdict] += 1
        yield from arrive(line)


def write_forecast(seed: int, first: date, day: date, dirt: float, landing: str, settings: Settings) -> Counter[str]:
    """Land the forecast of a UTC date; return the verdicts but acceptance that ingestion must reach.

    Parameters
    ----------
    landing
        Partition of the night, in landing or held back.
    """
    expected: Counter[str] = Counter()
    texts = list(_soiled(forecast(seed, first, day), dirt, seed, (day - first).days, expected))
    with open_output(join(landing, FILE), settings) as stream:
        stream.write(gzip.compress(b"\n".join(texts) + b"\n", mtime=0))
    return expected
