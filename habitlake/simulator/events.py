"""From a simulated day to event lines: contract JSON with the local offset of each person's zone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from habitlake.simulator.day import Day
from habitlake.simulator.draws import normal, uniform
from habitlake.simulator.local_day import LocalDay
from habitlake.simulator.people import SLOT_HOURS, SLOTS, WEEKDAYS, WORKOUT_TYPES, ZONES, State, Traits, zone_today
from habitlake.simulator.profile import profile_data
from habitlake.simulator.received import Decision

INTENSITIES = ("low", "medium", "high")
BARRIERS = ("time_constraint", "low_energy", "weather", "work", "family")
FEATURES = ("workout_plan", "progress_chart", "community", "library", "settings")
# Hours of the visits to the app besides the one before the workout.
VISIT_HOURS = (20.3, 7.6, 12.9, 22.2, 17.5)
MAX_VISITS = 1 + len(VISIT_HOURS)
SHARE_WITHOUT_ID = 0.04
# Of people and days: about a quarter of the people rate the app within four weeks.
SHARE_RATING = 0.012
LAST_SECOND = 86_399
# Purposes of draws for events, beside those of the day.
NO_ID, VISITS, OPENS, RATES, DISMISSES, RESPONDS, JITTER, NOISE = 70, 71, 72, 73, 74, 75, 80, 90


def opens_messages(seed: int, index: int, traits: Traits, state: State) -> NDArray[np.bool_]:
    """Return who would open a message on day ``index``: the responsive more, the weary of messages less."""
    likely = 0.25 + 0.35 * traits.responsiveness - 0.04 * state.dosage
    return uniform(seed, traits.person, index, OPENS) < likely


@dataclass(slots=True)
class Lines:
    """The lines of a local day, person by person, as columns: one object per line would keep the collector busy.

    ``rows`` are rows of the shard; ``utc_dates`` say when the events happened, ``have_id`` whether they carry an id.
    """

    rows: list[int] = field(default_factory=list)
    utc_dates: list[date] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    have_id: list[bool] = field(default_factory=list)


class DayWriter:
    """Writes the events of one local day of some people.

    Columns are plain lists: reading single numbers out of numpy arrays costs more than the JSON itself.
    """

    def __init__(self, seed: int, index: int, local: LocalDay, traits: Traits, state: State, happened: Day) -> None:
        people, day = traits.person, local.day
        self.index, self.day, self.traits, self.local = index, day, traits, local
        self.weekday = WEEKDAYS[day.weekday()]
        self.utc_dates = {shift: day + timedelta(days=shift) for shift in (-1, 0, 1)}
        self.lines = Lines()
        self.people: list[int] = people.tolist()
        self.zone: list[int] = zone_today(traits, state).tolist()
        self.slot: list[int] = happened.slot.tolist()
        self.slot_tomorrow: list[int] = happened.slot_tomorrow.tolist()
        self.weight: list[float] = np.round(state.weight_kg, 1).tolist()
        self.workout_type = [WORKOUT_TYPES[kind] for kind in traits.workout_type.tolist()]
        self.duration: list[float] = traits.duration_min.tolist()

        def u(purpose: int) -> Any:
            return uniform(seed, people, index, purpose)

        self.jitter: list[list[float]] = [u(JITTER + number).tolist() for number in range(8)]
        noise = [normal(seed, people, index, NOISE + number) for number in range(7)]
        self.noise: list[list[float]] = [values.tolist() for values in noise]
        self.without_id: list[bool] = (u(NO_ID) < SHARE_WITHOUT_ID).tolist()
        self.hour: list[float] = (np.array(SLOT_HOURS)[happened.slot] + 0.6 * noise[0]).tolist()
        self.sleep_hours: list[float] = np.round(happened.sleep_hours, 2).tolist()
        self.stress: list[float] = np.round(state.stress, 1).tolist()
        self.energy: list[float] = np.round(state.energy, 1).tolist()
        self.mood: list[float] = np.round(happened.mood, 1).tolist()
        self.completion: list[float] = np.round(happened.completion, 3).tolist()
        self.hrv: list[float] = np.round(np.maximum(55 - 3 * (state.stress - 5) + 8 * noise[5], 10), 1).tolist()
        self.resting: list[float] = np.round(62 - 4 * state.habit + 0.6 * (state.stress - 5), 1).tolist()
        self.soreness: list[float] = np.round(np.clip(1.5 + 1.2 * state.load + 0.6 * noise[6], 1, 10), 1).tolist()
        self.steps: list[int] = (5200 + 2600 * u(JITTER) + 3500 * happened.session).astype(np.int64).tolist()
        self.motivation: list[float] = np.round(
            np.clip(5 + 4 * (state.habit - 0.4) + 0.8 * noise[2], 1, 10), 1
        ).tolist()
        self.preparation: list[float] = np.round(np.maximum(traits.preparation_min + 2 * noise[3], 0), 1).tolist()
        self.stars: list[float] = np.round(np.clip(3.4 + 2 * (state.habit - 0.3) + 0.5 * noise[2], 1, 5), 1).tolist()
        wanted = 0.4 + 4.4 * traits.engagement * (0.5 + state.habit) + 1.2 * normal(seed, people, index, VISITS)
        visits = np.clip(np.round(wanted), happened.session | happened.skipped, MAX_VISITS)
        self.visits: list[int] = visits.astype(np.int64).tolist()
        self.opens: list[bool] = (opens_messages(seed, index, traits, state) & happened.present).tolist()
        self.dismisses: list[bool] = ((u(DISMISSES) < 0.3) & happened.present).tolist()
        self.rates: list[bool] = (u(RATES) < 0.1).tolist()
        self.response_s: list[int] = (60 + 2400 * u(RESPONDS) ** 2).astype(np.int64).tolist()
        self.signs_up: list[bool] = happened.signed_up_today.tolist()
        self.has_app: list[bool] = ((traits.sign_up <= index) & ~state.dropped).tolist()
        self.tells_profile: list[bool] = (happened.moved_today | happened.weighed_today).tolist()
        self.present: list[bool] = happened.present.tolist()
        self.session_done: list[bool] = happened.session.tolist()
        self.skipped: list[bool] = happened.skipped.tolist()
        self.outdoors: list[bool] = happened.outdoors.tolist()
        self.with_friend: list[bool] = happened.meets_friend.tolist()
        self.plans: list[bool] = happened.plans_tomorrow.tolist()
        self.injured: list[bool] = happened.injured_today.tolist()
        self.recovered: list[bool] = happened.recovered_today.tolist()
        self.wears: list[bool] = (u(JITTER) < traits.wears).tolist()

    def _emit(
        self,
        row: int,
        kind: str,
        hour: float,
        data: Mapping[str, Any],
        context: Mapping[str, Any] | None = None,
        tag: object = "",
    ) -> None:
        zone, local = self.zone[row], self.local
        second = min(max(int(hour * 3600), 0), LAST_SECOND)
        minute, second_of_minute = divmod(second, 60)
        person = self.people[row]
        event: dict[str, Any] = {
            "userId": f"u{person:07d}",
            "eventType": kind,
            "timestamp": f"{self.day}T{minute // 60:02d}:{minute % 60:02d}:{second_of_minute:02d}{local.text[zone]}",
            "schemaVersion": 1,
            "data": data,
        }
        has_id = kind != "app_interaction" or not self.without_id[row]
        if has_id:
            event["eventId"] = f"{person:x}-{self.index:x}-{kind}{tag}"
        if context:
            event["context"] = context
        self.lines.rows.append(row)
        self.lines.utc_dates.append(self.utc_dates[(second - local.seconds[zone]) // 86_400])
        self.lines.texts.append(orjson.dumps(event))
        self.lines.have_id.append(has_id)

    def _context(self, row: int) -> dict[str, Any]:
        zone = self.zone[row]
        context = {
            "weatherTemperature": round(self.local.temperature[zone] + 2 * self.noise[4][row], 1),
            "weather": self.local.weather[zone],
            "timeOfDay": SLOTS[self.slot[row]],
            "dayOfWeek": self.weekday,
            "stressLevel": self.stress[row],
            "sleepHours": self.sleep_hours[row],
            "socialContext": "alone",
        }
        if self.with_friend[row]:
            context |= {"socialContext": "partner", "partnerName": f"Person {self.people[row] ^ 1}"}
        return context

    def profile(self, row: int) -> None:
        """Write the whole profile, at sign-up and when it changes."""
        signed_up = self.day - timedelta(days=self.index - int(self.traits.sign_up[row]))
        self._emit(
            row,
            "profile_updated",
            5.0,
            profile_data(self.traits, row, self.weight[row])
            | {"timeZone": ZONES[self.zone[row]], "signupDate": str(signed_up)},
        )

    def _workout_id(self, row: int, index: int) -> str:
        return f"{self.people[row]:x}-w{index}"

    def plan(self, row: int) -> None:
        """Tomorrow's workout on the calendar."""
        self._emit(
            row,
            "workout_planned",
            20.5,
            {
                "workoutId": self._workout_id(row, self.index + 1),
                "workoutType": self.workout_type[row],
                "duration": self.duration[row] * 60,
                "plannedFor": self.local.plans[self.zone[row]][self.slot_tomorrow[row]],
            },
        )

    def session(self, row: int) -> None:
        """Start and end of a workout."""
        hour, completion = self.hour[row], self.completion[row]
        seconds = round(self.duration[row] * 60 * completion)
        base: dict[str, Any] = {
            "workoutId": self._workout_id(row, self.index),
            "workoutType": self.workout_type[row],
            "intensity": INTENSITIES[int(self.jitter[1][row] * 3)],
            "location": self._place(row),
        }
        context = self._context(row)
        self._emit(row, "workout_started", hour, base, context)
        done = {
            **base,
            "duration": seconds,
            "completionRate": completion,
            "heartRateAvg": round(132 + 14 * self.noise[1][row]),
            "caloriesBurned": round(seconds / 60 * 8),
        }
        self._emit(row, "workout_completed", hour + seconds / 3600, done, context)

    def _place(self, row: int) -> str:
        if self.outdoors[row]:
            return "outdoors"
        return "home" if self.jitter[2][row] < 0.5 else "gym"

    def skip(self, row: int) -> None:
        """Write a planned workout that was not done."""
        data = {
            "workoutId": self._workout_id(row, self.index),
            "location": self._place(row),
            "skipReason": self._barrier(row),
        }
        self._emit(row, "workout_skipped", self.hour[row] + 1, data, self._context(row))

    def _barrier(self, row: int) -> str:
        return BARRIERS[int(self.jitter[3][row] * len(BARRIERS))]

    def interactions(self, row: int) -> None:
        """Write the visits to the app; the first one is before the time of the workout."""
        length = self.jitter[4][row]
        for visit in range(self.visits[row]):
            share = (length + 0.381 * visit) % 1
            data: dict[str, Any] = {
                "screenTime": round(30 + 300 * share),
                "featuresUsed": [FEATURES[int(share * len(FEATURES))]],
            }
            if visit:
                hour = VISIT_HOURS[visit - 1] + 0.5 * self.noise[3][row]
            else:
                hour = self.hour[row] - 0.3
                data |= {
                    "motivationLevel": self.motivation[row],
                    "barriers": [self._barrier(row)] if self.skipped[row] else [],
                    "preparationTime": self.preparation[row],
                }
            self._emit(row, "app_interaction", hour, data, tag=visit)

    def wellbeing(self, row: int) -> None:
        """Sleep and daily state from a wearable."""
        wake = 5.2 + 1.5 * self.jitter[7][row]
        asleep_s = round(self.sleep_hours[row] * 3600)
        efficiency = round(0.8 + 0.15 * self.jitter[5][row], 3)
        began = self.local.asleep_at(self.zone[row], int(wake * 3600 - asleep_s / efficiency))
        self._emit(row, "sleep_logged", wake, {"duration": asleep_s, "efficiency": efficiency, "startedAt": began})
        self._emit(
            row,
            "daily_wellbeing",
            21.2,
            {
                "hrv": self.hrv[row],
                "restingHeartRate": self.resting[row],
                "stress": self.stress[row],
                "energy": self.energy[row],
                "soreness": self.soreness[row],
                "mood": self.mood[row],
                "steps": self.steps[row],
            },
        )

    def injury(self, row: int, status: str) -> None:
        """Write that an injury begins or ends."""
        self._emit(row, "injury_reported", 21.6, {"bodyPart": "knee", "severity": 4, "status": status}, tag=status)

    def rating(self, row: int) -> None:
        """Write a rating of the app."""
        stars = self.stars[row]
        self._emit(row, "satisfaction_reported", 21.8, {"rating": stars, "nps": min(int(stars * 2), 10)})

    def feedback(self, row: int, decision: Decision) -> None:
        """Write what became of a message; without a sign of use that day it is delivered and nothing more."""
        offset = timedelta(seconds=self.local.seconds[self.zone[row]])
        local = (datetime.fromisoformat(decision.send_at).astimezone(UTC) + offset).replace(tzinfo=None)
        hour = (local - datetime.combine(self.day, time.min)).total_seconds() / 3600
        base = {"decisionId": decision.decision_id, "channel": decision.channel}
        self._emit(row, "intervention_delivered", hour, base)
        response = self.response_s[row]
        answered = {**base, "responseTime": response}
        hour += response / 3600
        if self.opens[row]:
            self._emit(row, "intervention_opened", hour, answered)
            if self.session_done[row]:
                self._emit(row, "intervention_acted", hour + 0.1, {**base, "responseTime": response + 360})
            if self.rates[row]:
                stars = 4 if self.session_done[row] else 2
                self._emit(row, "intervention_rated", hour + 0.2, {**base, "rating": stars})
        elif self.dismisses[row]:
            self._emit(row, "intervention_dismissed", hour, answered)

    def write(self, decisions: Mapping[str, Decision]) -> Lines:
        """Return every line of the day, person by person; ``decisions`` by user id."""
        for row, person in enumerate(self.people):
            if self.signs_up[row] or self.tells_profile[row]:
                self.profile(row)
            if decisions and self.has_app[row]:
                decision = decisions.get(f"u{person:07d}")
                if decision is not None:
                    self.feedback(row, decision)
            if not self.present[row]:
                continue
            if self.wears[row]:
                self.wellbeing(row)
            self.interactions(row)
            if self.session_done[row]:
                self.session(row)
            elif self.skipped[row]:
                self.skip(row)
            if self.plans[row]:
                self.plan(row)
            if self.injured[row]:
                self.injury(row, "started")
            elif self.recovered[row]:
                self.injury(row, "resolved")
            if self.jitter[6][row] < SHARE_RATING:
                self.rating(row)
        return self.lines
