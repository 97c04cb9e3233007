"""What the world receives: the decisions published to it; what a day received stays received."""

import contextlib
import gzip
from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

import orjson

from habitlake.errors import PermanentError
from habitlake.settings import Settings
from habitlake.storage import join, list_files, open_output, read_bytes

FALLBACK_NIGHTS = 3


class Decision(NamedTuple):
    """A message to one person on one local day; ``send_at`` is ISO in UTC."""

    decision_id: str
    action: str
    channel: str
    send_at: str


def published_decisions(day: date, settings: Settings) -> dict[str, Decision]:
    """Return by user the decision to send that holds on a local day: the newest night's.

    A newer night that decided not to send takes back what an earlier one published (``_withdrawals.jsonl``).

    Raises
    ------
    PermanentError
        If a published line is not a decision.
    """
    held: dict[str, Decision] = {}
    for back in range(FALLBACK_NIGHTS + 1, 0, -1):
        folder = join(settings.outbox, "queue", f"batch_date={day - timedelta(days=back)}")
        for file in list_files(folder, settings):
            if file.relative.endswith(".jsonl"):
                _read_decisions(file.uri, day, settings, held)
        with contextlib.suppress(FileNotFoundError):
            for line in read_bytes(join(folder, "_withdrawals.jsonl"), settings).splitlines():
                withdrawal = orjson.loads(line)
                if withdrawal["local_date"] == day.isoformat():
                    held.pop(withdrawal["user_id"], None)
    return held


def _read_decisions(uri: str, day: date, settings: Settings, held: dict[str, Decision]) -> None:
    wanted = day.isoformat()
    mark = wanted.encode()
    for number, line in enumerate(read_bytes(uri, settings).splitlines(), start=1):
        # A night publishes three local days; looking for the date first spares parsing the other two.
        if mark not in line:
            continue
        try:
            decision = orjson.loads(line)
            if decision["local_date"] != wanted:
                continue
            user, send = str(decision["user_id"]), decision.get("send", True)
            message = Decision(*(str(decision[name]) for name in Decision._fields))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            msg = f"{uri} line {number} is not a decision ({error!r}); publish that night again"
            raise PermanentError(msg) from error
        if send:
            held[user] = message
        else:
            held.pop(user, None)


def _file(day: date, settings: Settings) -> str:
    return str(settings.home / "simulator" / "received" / f"local_date={day}.json.gz")


def keep_received(day: date, decisions: Mapping[str, Decision], settings: Settings) -> None:
    """Record what the people received on a day that is now lived."""
    with open_output(_file(day, settings), settings) as stream:
        stream.write(gzip.compress(orjson.dumps({user: list(held) for user, held in decisions.items()}), mtime=0))


def received(day: date, settings: Settings) -> dict[str, Decision]:
    """Return what the people received on a day lived before."""
    body = gzip.decompress(read_bytes(_file(day, settings), settings))
    return {user: Decision(*held) for user, held in orjson.loads(body).items()}
