"""From a simulated day to event lines: contract JSON with the local offset of each person's zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from habitlake.simulator.day import Day
from habitlake.simulator.draws import normal, uniform
from habitlake.simulator.people import (
    GENDERS,
    GOALS,
    LANGUAGES,
    LEVELS,
    SLOT_HOURS,
    SLOTS,
    STYLES,
    WORKOUT_TYPES,
    ZONES,
    State,
    Traits,
)

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
INTENSITIES = ("low", "medium", "high")
BARRIERS = ("time_constraint", "low_energy", "weather", "work", "family")
FEATURES = ("workout_plan", "progress_chart", "community", "library", "settings")
WEATHER = ("clear", "cloudy", "rain", "snow")
SHARE_WITHOUT_ID = 0.04


@dataclass(frozen=True, slots=True)
class Line:
    """An event's line, the UTC date it happened on, and whether it carries an id."""

    utc_date: date
    text: bytes
    has_id: bool


class _Offsets:
    """Offset of each zone at noon of a local day; clocks change at night, events happen by day."""

    def __init__(self, day: date) -> None:
        self.seconds = []
        self.text = []
        for name in ZONES:
            offset = datetime.combine(day, time(12), tzinfo=ZoneInfo(name)).utcoffset() or timedelta()
            seconds = int(offset.total_seconds())
            self.seconds.append(seconds)
            sign, minutes = ("-" if seconds < 0 else "+"), abs(seconds) // 60
            self.text.append(f"{sign}{minutes // 60:02d}:{minutes % 60:02d}")


class DayWriter:
    """Writes the events of one local day of some people."""

    def __init__(self, seed: int, index: int, day: date, traits: Traits, state: State, happened: Day) -> None:
        self.seed, self.index, self.day, self.traits, self.state, self.happened = (
            seed,
            index,
            day,
            traits,
            state,
            happened,
        )
        self.offsets = _Offsets(day)
        self.lines: list[Line] = []
        people = traits.person
        self.zone = [
            int(moved if moved >= 0 else home) for moved, home in zip(state.travel_zone, traits.zone, strict=True)
        ]
        self.without_id = uniform(seed, people, index, 70) < SHARE_WITHOUT_ID
        self.jitter = [uniform(seed, people, index, 80 + purpose) for purpose in range(8)]
        self.noise = [normal(seed, people, index, 90 + purpose) for purpose in range(6)]

    def _emit(
        self,
        row: int,
        kind: str,
        hour: float,
        data: Mapping[str, Any],
        context: Mapping[str, Any] | None = None,
        tag: str = "",
    ) -> None:
        zone = self.zone[row]
        second = min(max(int(hour * 3600), 0), 86_399)
        clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        shifted = second - self.offsets.seconds[zone]
        utc_date = self.day + timedelta(days=shifted // 86_400)
        person = int(self.traits.person[row])
        event: dict[str, Any] = {
            "userId": f"u{person:07d}",
            "eventType": kind,
            "timestamp": f"{self.day.isoformat()}T{clock}{self.offsets.text[zone]}",
            "schemaVersion": 1,
            "data": data,
        }
        has_id = not (self.without_id[row] and kind == "app_interaction")
        if has_id:
            event["eventId"] = f"{person:x}-{self.index:x}-{kind}{tag}"
        if context:
            event["context"] = context
        self.lines.append(Line(utc_date, orjson.dumps(event), has_id))

    def _context(self, row: int) -> dict[str, Any]:
        sociable = self.jitter[5][row] < self.traits.sociable[row]
        return {
            "weatherTemperature": round(float(58 + 14 * self.noise[4][row]), 1),
            "weather": WEATHER[min(int(self.jitter[6][row] * 4.4), 3)],
            "timeOfDay": SLOTS[int(self.traits.slot[row])],
            "dayOfWeek": WEEKDAYS[self.day.weekday()],
            "stressLevel": round(float(self.state.stress[row]), 1),
            "sleepHours": round(float(self.happened.sleep_hours[row]), 2),
            "socialContext": "partner" if sociable else "alone",
        }

    def _hour(self, row: int) -> float:
        return SLOT_HOURS[int(self.traits.slot[row])] + 0.6 * float(self.noise[0][row])

    def profile(self, row: int) -> None:
        """Write the whole profile, at sign-up and when it changes."""
        traits, person = self.traits, int(self.traits.person[row])
        slot = SLOTS[int(traits.slot[row])]
        duration = float(traits.duration_min[row])
        self._emit(
            row,
            "profile_updated",
            5.5,
            {
                "demographics": {
                    "firstName": f"Person {person}",
                    "age": int(traits.age[row]),
                    "gender": GENDERS[int(traits.gender[row])],
                    "fitnessLevel": LEVELS[int(traits.level[row])],
                },
                "goals": {"primary": GOALS[int(traits.goal[row])], "targetSessions": int(traits.weekly_target[row])},
                "preferences": {
                    "workoutTypes": [WORKOUT_TYPES[int(traits.workout_type[row])]],
                    "workoutDuration": [max(duration - 10, 10), duration + 10],
                    "preferredTimes": [slot],
                    "communicationStyle": STYLES[int(traits.style[row])],
                    "language": LANGUAGES[int(traits.language[row])],
                    "notifications": bool(traits.consents[row]),
                },
                "constraints": {
                    "availableTime": duration + 10,
                    "schedule": {
                        name: {"available": bool(planned)}
                        for name, planned in zip(WEEKDAYS, traits.schedule[row], strict=True)
                    },
                },
                "timeZone": ZONES[self.zone[row]],
                "subscriptionTier": "premium" if self.traits.sociable[row] > 0.25 else "free",
            },
        )

    def plan(self, row: int) -> None:
        """Tomorrow's workout on the calendar."""
        tomorrow = self.day + timedelta(days=1)
        # The plan's offset is tomorrow's: a clock change in the night must not move the workout.
        zone = ZoneInfo(ZONES[self.zone[row]])
        hour = SLOT_HOURS[int(self.traits.slot[row])]
        start = datetime.combine(tomorrow, time(int(hour), int(hour % 1 * 60)), tzinfo=zone)
        self._emit(
            row,
            "workout_planned",
            20.5,
            {
                "workoutId": f"w{self.index + 1}",
                "workoutType": WORKOUT_TYPES[int(self.traits.workout_type[row])],
                "duration": float(self.traits.duration_min[row]) * 60,
                "plannedFor": start.isoformat(),
            },
        )

    def session(self, row: int) -> None:
        """Start and end of a workout."""
        hour, traits = self._hour(row), self.traits
        completion = round(float(self.happened.completion[row]), 3)
        duration = round(float(traits.duration_min[row]) * 60 * completion)
        base: dict[str, Any] = {
            "workoutId": f"w{self.index}",
            "workoutType": WORKOUT_TYPES[int(traits.workout_type[row])],
            "intensity": INTENSITIES[min(int(self.jitter[1][row] * 3), 2)],
            "location": "home" if self.jitter[2][row] < 0.5 else "gym",
        }
        context = self._context(row)
        self._emit(row, "workout_started", hour, base, context)
        done = {
            **base,
            "duration": duration,
            "completionRate": completion,
            "heartRateAvg": round(float(132 + 14 * self.noise[1][row])),
            "caloriesBurned": round(duration / 60 * 8),
        }
        self._emit(row, "workout_completed", hour + duration / 3600, done, context)

    def skip(self, row: int) -> None:
        """Write a planned workout that was not done."""
        reason = BARRIERS[int(self.jitter[3][row] * len(BARRIERS))]
        self._emit(
            row,
            "workout_skipped",
            self._hour(row) + 1,
            {"workoutId": f"w{self.index}", "skipReason": reason},
            self._context(row),
        )

    def interaction(self, row: int) -> None:
        """Write a visit to the app."""
        skipped = bool(self.happened.skipped[row])
        motivation = 5 + 4 * (float(self.state.habit[row]) - 0.4) + 0.8 * float(self.noise[2][row])
        barriers = [BARRIERS[int(self.jitter[3][row] * len(BARRIERS))]] if skipped else []
        self._emit(
            row,
            "app_interaction",
            self._hour(row) - 0.3,
            {
                "screenTime": round(30 + 300 * float(self.jitter[4][row])),
                "featuresUsed": [FEATURES[int(self.jitter[4][row] * len(FEATURES))]],
                "motivationLevel": round(min(max(motivation, 1), 10), 1),
                "barriers": barriers,
                "preparationTime": round(max(float(self.traits.preparation_min[row] + 2 * self.noise[3][row]), 0), 1),
            },
        )

    def wellbeing(self, row: int) -> None:
        """Sleep and daily state from a wearable."""
        wake = 5.2 + 1.5 * float(self.jitter[7][row])
        sleep = float(self.happened.sleep_hours[row])
        self._emit(
            row,
            "sleep_logged",
            wake,
            {"duration": round(sleep * 3600), "efficiency": round(0.8 + 0.15 * float(self.jitter[0][row]), 3)},
        )
        stress = float(self.state.stress[row])
        self._emit(
            row,
            "daily_wellbeing",
            21.2,
            {
                "hrv": round(max(55 - 3 * (stress - 5) + 8 * float(self.noise[5][row]), 10), 1),
                "restingHeartRate": round(62 - 4 * float(self.state.habit[row]) + 0.6 * (stress - 5), 1),
                "stress": round(stress, 1),
                "energy": round(float(self.state.energy[row]), 1),
                "mood": round(float(self.happened.mood[row]), 1),
                "steps": int(5200 + 2600 * float(self.jitter[0][row]) + 3500 * bool(self.happened.session[row])),
            },
        )

    def injury(self, row: int, status: str) -> None:
        """Write that an injury begins or ends."""
        self._emit(row, "injury_reported", 21.6, {"bodyPart": "knee", "severity": 4, "status": status}, tag=status)

    def rating(self, row: int) -> None:
        """Write a rating of the app."""
        stars = min(max(3.4 + 2 * (float(self.state.habit[row]) - 0.3) + 0.5 * float(self.noise[2][row]), 1), 5)
        self._emit(row, "satisfaction_reported", 21.8, {"rating": round(stars, 1), "nps": min(int(stars * 2), 10)})

    def feedback(self, row: int, decision: Mapping[str, Any]) -> None:
        """Write what became of a message that reached the person."""
        sent = datetime.fromisoformat(str(decision["send_at"])).astimezone(UTC)
        local = sent + timedelta(seconds=self.offsets.seconds[self.zone[row]])
        hour = local.hour + local.minute / 60
        base = {"decisionId": decision["decision_id"], "channel": decision["channel"]}
        self._emit(row, "intervention_delivered", hour, base)
        if self.jitter[3][row] < 0.25 + 0.35 * float(self.traits.responsiveness[row]) - 0.04 * float(
            self.state.dosage[row]
        ):
            self._emit(row, "intervention_opened", hour + 0.1, {**base, "responseTime": 360})
            if self.happened.session[row]:
                self._emit(row, "intervention_acted", hour + 0.2, {**base, "responseTime": 720})
            if self.jitter[5][row] < 0.1:
                self._emit(
                    row, "intervention_rated", hour + 0.3, {**base, "rating": 4 if self.happened.session[row] else 2}
                )
        elif self.jitter[5][row] < 0.3:
            self._emit(row, "intervention_dismissed", hour + 0.1, {**base, "responseTime": 360})

    def write(self, decisions: list[Mapping[str, Any] | None]) -> list[Line]:
        """Return every line of the day, person by person."""
        happened, jitter, traits = self.happened, self.jitter, self.traits
        for row in range(len(traits.person)):
            if happened.signed_up_today[row] or happened.moved_today[row]:
                self.profile(row)
            decision = decisions[row]
            if decision is not None and traits.sign_up[row] <= self.index:
                self.feedback(row, decision)
            if not happened.present[row]:
                continue
            if jitter[0][row] < traits.wears[row]:
                self.wellbeing(row)
            if jitter[1][row] < 0.55 or happened.session[row] or happened.skipped[row]:
                self.interaction(row)
            if happened.session[row]:
                self.session(row)
            elif happened.skipped[row]:
                self.skip(row)
            if happened.plans_tomorrow[row]:
                self.plan(row)
            if happened.injured_today[row]:
                self.injury(row, "started")
            elif happened.recovered_today[row]:
                self.injury(row, "resolved")
            if jitter[6][row] < 0.006:
                self.rating(row)
        return self.lines
