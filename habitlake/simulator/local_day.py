"""What all people of a zone share on a local day: offset from UTC, weather, and the times plans are made for."""

import math
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np

from habitlake.simulator.draws import normal, uniform
from habitlake.simulator.people import SLOT_HOURS, ZONES

WEATHER = ("clear", "cloudy", "rain", "snow")
SOUTHERN = ("Australia/Sydney", "America/Sao_Paulo", "Pacific/Auckland")
# Purpose of the draws, of which there is one per zone instead of one per person.
WEATHER_DAY = 100
# A kind of weather is a number below KINDS; from WET_KIND on it is wet.
KINDS, WET_KIND = 3.2, 2
SNOW_UP_TO_F = 40


def weather_of(kind: float, temperature: float) -> str:
    """Return the name of a kind of weather at a temperature in degrees Fahrenheit."""
    if kind < WET_KIND:
        return WEATHER[int(kind)]
    return WEATHER[WET_KIND if temperature > SNOW_UP_TO_F else WET_KIND + 1]


class LocalDay:
    """What all people of a zone share on a local day: offset, weather and the start of plans for tomorrow.

    Offsets are those of noon: clocks change at night, and every event but falling asleep happens by day.
    """

    def __init__(self, seed: int, index: int, day: date) -> None:
        self.day = day
        self.zones = [ZoneInfo(name) for name in ZONES]
        self.seconds = [self._offset(day, zone) for zone in self.zones]
        self.text = [offset_text(seconds) for seconds in self.seconds]
        clocks_change = [
            self._offset(day - timedelta(days=1), zone) != seconds
            for zone, seconds in zip(self.zones, self.seconds, strict=True)
        ]
        self.clocks_change = clocks_change
        places = np.arange(len(ZONES))
        season = math.cos(2 * math.pi * (day.timetuple().tm_yday - 200) / 365.25)
        warmth = np.array([-season if name in SOUTHERN else season for name in ZONES])
        self.temperature = (58 + 18 * warmth + 7 * normal(seed, places, index, WEATHER_DAY)).tolist()
        self.kinds = (uniform(seed, places, index, WEATHER_DAY + 1) * KINDS).tolist()
        self.weather = [weather_of(kind, warm) for kind, warm in zip(self.kinds, self.temperature, strict=True)]

    @staticmethod
    def _offset(day: date, zone: ZoneInfo) -> int:
        return int((datetime.combine(day, time(12), tzinfo=zone).utcoffset() or timedelta()).total_seconds())

    @cached_property
    def plans(self) -> list[list[str]]:
        """Start of tomorrow's workout by zone and slot, with tomorrow's offset: a clock change must not move it."""
        tomorrow = self.day + timedelta(days=1)
        return [
            [
                datetime.combine(tomorrow, time(int(hour), round(hour % 1 * 60)), tzinfo=zone).isoformat()
                for hour in SLOT_HOURS
            ]
            for zone in self.zones
        ]

    def asleep_at(self, zone: int, second: int) -> str:
        """Return the time of falling asleep, ``second`` of the local day; negative is the evening before."""
        moment = datetime.combine(self.day, time.min, tzinfo=UTC) + timedelta(seconds=second)
        if not self.clocks_change[zone]:
            return f"{moment:%Y-%m-%dT%H:%M:%S}{self.text[zone]}"
        return (moment - timedelta(seconds=self.seconds[zone])).astimezone(self.zones[zone]).isoformat()


def offset_text(seconds: int) -> str:
    """Return a UTC offset as +HH:MM."""
    minutes = abs(seconds) // 60
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
