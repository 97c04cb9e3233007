"""From a landing file's bytes to lines: plain or gzip, whatever is in them; no content can stop the night."""

import base64
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from habitlake.contracts import Reason
from habitlake.storage import filesystem
from spark_jobs.ingest.kernel import LINES_SCHEMA
from spark_jobs.ingest.plan import Chunk

if TYPE_CHECKING:
    from pyarrow import NativeFile

BLOCK_BYTES = 8 * 1024 * 1024
BATCH_LINES = 100_000
NUL_ESCAPE = b"\\u0000"


class Text(NamedTuple):
    """The lines of a chunk, the number of the first one, and the rest that could not be read, with why."""

    lines: list[bytes]
    first_line: int
    unreadable: bytes | None = None
    problem: str = ""


def read_chunk(chunk: Chunk, s3_endpoint_url: str | None) -> Text:
    """Return the lines that start in the chunk."""
    system, path = filesystem(chunk.uri, s3_endpoint_url)
    try:
        with system.open_input_file(path) as file:
            if chunk.uri.endswith(".gz"):
                return gunzip(file.read())
            if chunk.whole:
                return Text(split_lines(file.read()), 1)
            return _read_range(file, chunk)
    except OSError as error:
        return Text([], 1, b"", f"the file cannot be read: {error}")


def split_lines(data: bytes) -> list[bytes]:
    """Split at newlines; the newline at the end of a file starts no further line."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def gunzip(data: bytes) -> Text:
    """Return the lines of a gzip file, also of one made of several members, and what is left of a broken one."""
    text: list[bytes] = []
    rest, problem = data, ""
    while rest and not problem:
        member = zlib.decompressobj(wbits=31)
        try:
            text.append(member.decompress(rest))
        except zlib.error as error:
            problem = f"the gzip stream is broken: {error}"
            break
        if not member.eof:
            problem = "the gzip stream ends before its end marker"
        rest = member.unused_data
    if not problem:
        return Text(split_lines(b"".join(text)), 1)
    readable, newline, torn = b"".join(text).rpartition(b"\n")
    return Text(split_lines(readable + newline), 1, torn or data[:BLOCK_BYTES], problem)


def _read_range(file: "NativeFile", chunk: Chunk) -> Text:
    newlines, position = 0, 0
    while position < chunk.start:
        block = file.read_at(min(BLOCK_BYTES, chunk.start - position), position)
        newlines += block.count(b"\n")
        position += len(block)
    # The line that starts exactly at ``start`` is ours if the byte before it is a newline.
    begin = max(chunk.start - 1, 0)
    data = file.read_at(chunk.end - begin, begin)
    if chunk.start > 0:
        head = data.find(b"\n")
        if head < 0:
            return Text([], newlines + 1)
        first_line = newlines + 1 + (head > 0)
        data = data[head + 1 :]
    else:
        first_line = 1
    if not data:
        return Text([], first_line)
    position = chunk.end
    while not data.endswith(b"\n"):
        block = file.read_at(BLOCK_BYTES, position)
        if not block:
            break
        head = block.find(b"\n")
        data += block if head < 0 else block[: head + 1]
        position += len(block)
    return Text(split_lines(data), first_line)


def _judge_bytes(line: bytes, max_line_bytes: int) -> tuple[str, str, Reason | None, str | None]:
    """Return (raw, encoding, reason, detail) of one line that is not plainly fine."""
    try:
        raw, encoding = line.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        return base64.b64encode(line).decode(), "base64", Reason.INVALID_ENCODING, f"byte {error.start} is not UTF-8"
    if not line.strip():
        return raw, encoding, Reason.EMPTY_LINE, "the line is blank"
    if len(line) > max_line_bytes:
        return raw, encoding, Reason.OVERSIZED_LINE, f"{len(line)} bytes, at most {max_line_bytes} are read"
    if b"\0" in line or NUL_ESCAPE in line:
        return raw, encoding, Reason.MALFORMED_JSON, "the line holds a NUL character"
    return raw, encoding, None, None


def _all_plain(lines: list[bytes], max_line_bytes: int) -> bool:
    """Return whether every line is text of a fair size: the common case, decided in a few passes over the bytes."""
    block = b"\n".join(lines)
    if (
        b"\0" in block
        or NUL_ESCAPE in block
        or max(map(len, lines)) > max_line_bytes
        or not all(map(bytes.strip, lines))
    ):
        return False
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def line_tables(chunk: Chunk, text: Text, max_line_bytes: int) -> Iterator[pa.Table]:
    """Yield the chunk's lines as tables of ``LINES_SCHEMA``, at most ``BATCH_LINES`` rows each."""
    for offset in range(0, len(text.lines), BATCH_LINES):
        lines = text.lines[offset : offset + BATCH_LINES]
        count = len(lines)
        numbers = range(text.first_line + offset, text.first_line + offset + count)
        if _all_plain(lines, max_line_bytes):
            nothing = pa.nulls(count, pa.string())
            raw, encodings = pa.array(lines, type=pa.string()), pa.array(["utf-8"] * count)
            yield _table(chunk, numbers, raw, encodings, nothing, nothing)
        else:
            judged = [_judge_bytes(line, max_line_bytes) for line in lines]
            yield _table(
                chunk, numbers, *(pa.array(list(column), type=pa.string()) for column in zip(*judged, strict=True))
            )
    if text.unreadable is not None:
        number = text.first_line + len(text.lines)
        raw = pa.array([base64.b64encode(text.unreadable).decode()])
        yield _table(
            chunk,
            range(number, number + 1),
            raw,
            pa.array(["base64"]),
            pa.array([str(Reason.UNREADABLE_FILE)]),
            pa.array([text.problem]),
        )


def gathered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the tables joined to about ``BATCH_LINES`` rows: many small files cost the kernel as little as a large one."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(part.num_rows for part in waiting) >= BATCH_LINES:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _table(chunk: Chunk, numbers: range, *columns: pa.Array) -> pa.Table:
    count = len(numbers)
    return pa.table(
        [
            pa.repeat(pa.scalar(chunk.batch_date, pa.date32()), count),
            pa.repeat(chunk.source_file, count),
            pa.array(numbers, pa.int64()),
            *columns,
        ],
        schema=LINES_SCHEMA,
    )
