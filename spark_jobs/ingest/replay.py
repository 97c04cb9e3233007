"""Land quarantined lines again that the contract can now read: ``habitlake replay``.

``python -m spark_jobs.ingest.replay --start 2026-01-05 [--end 2026-01-09] [--into 2026-01-20] [--reason wrong_type]``

The refused lines of the nights, events and forecasts, are judged again; those that are now accepted are landed, byte for
byte, in a night that is still to be processed. The old verdict stays as history, and a line is landed again only once:
its origin is recorded beside the landed file, in a file that ingestion does not read.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from habitlake.clock import ONE_DAY, Interval, parse_date
from habitlake.contracts import Reason
from habitlake.errors import PermanentError
from habitlake.job import JobContext, run_job
from habitlake.lake import scan_table, stored_nights
from habitlake.landing import BESIDE_EVENTS, EVENTS, FEEDS, WEATHER, feed_folder, night_folder
from habitlake.settings import Settings
from habitlake.storage import filesystem, join, open_output
from spark_jobs.ingest.bronze import BRONZE
from spark_jobs.ingest.kernel import LINES_SCHEMA, Kernel
from spark_jobs.ingest.lines import BATCH_LINES, check_lines
from spark_jobs.ingest.weather_kernel import WeatherKernel

# A conflict is no matter of the contract, and the rest of a broken file is no line.
NEVER = frozenset({Reason.CONFLICT, Reason.UNREADABLE_FILE})
# The leading underscore keeps the record of origins from being read as events.
ORIGINS_PREFIX, ORIGINS_SUFFIX = "_replay-", ".origins.json"
KERNELS: dict[str, Callable[[], Kernel | WeatherKernel]] = {EVENTS: Kernel, WEATHER: WeatherKernel}

Origin = tuple[date, str, int]


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused line: where it came from, its exact bytes, and why it was refused."""

    origin: Origin
    raw: bytes
    reason: str


def refused_lines(feed: str, night: date, settings: Settings, reasons: frozenset[str]) -> list[Refused]:
    """Return a feed's refused lines of a night that a contract could come to accept, in order of file and line."""
    import polars as pl

    beside = pl.col("_source_file").str.starts_with(BESIDE_EVENTS)
    of_feed = ~beside if feed == EVENTS else pl.col("_source_file").str.starts_with(f"{BESIDE_EVENTS}{feed}/")
    frame = (
        scan_table("silver.rejected", settings, nights=Interval(night, night))
        .filter(pl.col("reason").is_in(sorted(reasons)) & of_feed)
        .select("_source_file", "_line", "raw", "raw_encoding", "reason")
        .sort("_source_file", "_line")
        .collect()
    )
    return [
        Refused((night, file, line), base64.b64decode(raw) if encoding == "base64" else raw.encode(), reason)
        for file, line, raw, encoding, reason in frame.iter_rows()
    ]


def now_accepted(lines: Sequence[Refused], kernel: Kernel | WeatherKernel, max_line_bytes: int) -> list[Refused]:
    """Return the lines that the parse accepts as it now is, judged as of the night they first came in."""
    accepted: set[Origin] = set()
    for start in range(0, len(lines), BATCH_LINES):
        some = lines[start : start + BATCH_LINES]
        nights, files, numbers = zip(*(line.origin for line in some), strict=True)
        columns = [list(column) for column in (nights, files, numbers)]
        checked = check_lines(pa.array([line.raw for line in some], pa.large_binary()), max_line_bytes)
        table = pa.table([*columns, *checked], schema=LINES_SCHEMA)
        for judged in kernel.judge(table):
            good = judged.filter(judged["reason"].is_null())
            keys = (good[name].to_pylist() for name in ("batch_date", "_source_file", "_line"))
            accepted.update(zip(*keys, strict=True))
    return [line for line in lines if line.origin in accepted]


def landed_origins(feed: str, settings: Settings) -> set[Origin]:
    """Return the origins of all lines of a feed that were ever landed again."""
    from pyarrow import fs

    location = feed_folder(feed, settings)
    system, path = filesystem(location, settings.s3_endpoint_url)
    origins: set[Origin] = set()
    for info in system.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True)):
        if info.base_name.startswith(ORIGINS_PREFIX) and info.base_name.endswith(ORIGINS_SUFFIX):
            with system.open_input_file(info.path) as stream:
                record = json.loads(stream.read())
            night = date.fromisoformat(record["batch_date"])
            origins.update((night, file, line) for file, line in record["lines"])
    return origins


def land(feed: str, lines: Sequence[Refused], into: date, settings: Settings) -> str:
    """Land a feed's lines of one origin night again; return the file, relative to the night's folder."""
    night = lines[0].origin[0]
    record = {"batch_date": str(night), "lines": [line.origin[1:] for line in lines]}
    text = json.dumps(record)
    # The same lines always land under the same name, so a replay that was cut short can simply run again.
    stem = f"replay-{night}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    folder = night_folder(feed, into, settings)
    with open_output(join(folder, f"{stem}.jsonl"), settings) as stream:
        for line in lines:
            stream.write(line.raw + b"\n")
    # Last, so that no line is ever recorded as landed that is not.
    with open_output(join(folder, f"_{stem}{ORIGINS_SUFFIX}"), settings) as stream:
        stream.write(text.encode())
    return f"{stem}.jsonl"


def target_night(into: date | None, last_origin: date, settings: Settings) -> date:
    """Return the night to land in: the one asked for, or the first one still to be processed.

    Raises
    ------
    PermanentError
        If that night, or one after it, was already ingested, or it does not come after the origins.
    """
    processed = stored_nights(BRONZE, settings)
    first_open = max([*processed, last_origin]) + ONE_DAY
    if into is None:
        return first_open
    if into < first_open:
        msg = f"cannot land into {into}: nights up to {first_open - ONE_DAY} are history; use --into {first_open} or later"
        raise PermanentError(msg)
    return into


def replay(context: JobContext, reasons: frozenset[str], into: date | None) -> Iterator[tuple[str, int]]:
    """Land what is now accepted; yield (what became of it, lines) per feed, night and outcome."""
    settings = context.settings
    night_into = target_night(into, context.interval.end, settings)
    for feed in FEEDS:
        done, kernel = landed_origins(feed, settings), KERNELS[feed]()
        for night in context.interval.nights():
            refused = refused_lines(feed, night, settings, reasons)
            waiting = [line for line in refused if line.origin not in done]
            accepted = now_accepted(waiting, kernel, settings.max_line_bytes)
            yield "already_landed", len(refused) - len(waiting)
            yield "still_refused", len(waiting) - len(accepted)
            yield "landed", len(accepted)
            if accepted:
                file = land(feed, accepted, night_into, settings)
                by_reason = Counter(line.reason for line in accepted)
                context.log.info("landed again", origin=str(night), into=str(night_into), file=file, **by_reason)


def run(context: JobContext) -> Mapping[str, object]:
    """Replay the nights and report what was landed."""
    asked = frozenset(context.options.reason or [])
    reasons = (asked or frozenset(str(reason) for reason in Reason)) - {str(reason) for reason in NEVER}
    if not reasons:
        msg = f"lines refused as {', '.join(sorted(asked))} are never replayed: the contract has no say in them"
        raise PermanentError(msg)
    outcome: Counter[str] = Counter()
    into = parse_date(context.options.into) if context.options.into else None
    for name, lines in replay(context, reasons, into):
        outcome[name] += lines
    return dict(outcome)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a replay."""
    parser.add_argument("--into", help="night to land in (YYYY-MM-DD); default the first that is not yet ingested")
    parser.add_argument(
        "--reason",
        action="append",
        choices=sorted(str(reason) for reason in Reason),
        help="replay only lines refused for this reason (repeatable); default every reason but conflict",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job("replay", run, description=__doc__ or "", argv=argv, add_arguments=add_arguments)


if __name__ == "__main__":
    sys.exit(main())
