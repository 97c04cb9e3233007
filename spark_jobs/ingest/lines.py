"""From a landing file's bytes to lines: plain or gzip, whatever is in them; no content can stop the night."""

import base64
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from habitlake.contracts import Reason
from habitlake.storage import filesystem
from spark_jobs.ingest.kernel import LINES_SCHEMA
from spark_jobs.ingest.plan import Chunk

if TYPE_CHECKING:
    from pyarrow import NativeFile

TAIL_BYTES = 64 * 1024
UNREADABLE_BYTES = 8 * 1024 * 1024
BATCH_LINES = 200_000
# The kernel holds a batch some ten times over, and a text column of Arrow holds at most 2 GiB.
BATCH_BYTES = 64 * 1024 * 1024
NUL_ESCAPE = b"\\u0000"


class Text(NamedTuple):
    """The lines of a chunk, and the rest that could not be read, with why."""

    lines: list[bytes]
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
                return Text(split_lines(file.read()))
            return Text(_read_range(file, chunk))
    except OSError as error:
        return Text([], b"", f"the file cannot be read: {error}")


def count_starts(chunk: Chunk, s3_endpoint_url: str | None) -> int:
    """Return how many lines start in the chunk of a plain file; a file that cannot be read has none."""
    system, path = filesystem(chunk.uri, s3_endpoint_url)
    begin = max(chunk.start - 1, 0)
    try:
        with system.open_input_file(path) as file:
            return file.read_at(chunk.end - 1 - begin, begin).count(b"\n") + (chunk.start == 0)
    except OSError:
        return 0


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
        return Text(split_lines(b"".join(text)))
    readable, newline, torn = b"".join(text).rpartition(b"\n")
    return Text(split_lines(readable + newline), torn or data[:UNREADABLE_BYTES], problem)


def _read_range(file: "NativeFile", chunk: Chunk) -> list[bytes]:
    # The line that starts exactly at ``start`` is ours if the byte before it is a newline.
    begin = max(chunk.start - 1, 0)
    data = file.read_at(chunk.end - begin, begin)
    if chunk.start > 0:
        head = data.find(b"\n")
        if head < 0:
            return []
        data = data[head + 1 :]
    if not data:
        return []
    tail, position = [data], chunk.end
    while not tail[-1].endswith(b"\n"):
        block = file.read_at(TAIL_BYTES, position)
        if not block:
            break
        head = block.find(b"\n")
        tail.append(block if head < 0 else block[: head + 1])
        position += len(block)
    return split_lines(b"".join(tail))


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


def _suspects(lines: list[bytes], block: bytes, max_line_bytes: int) -> list[int]:
    """Return the positions of lines that are not plainly fine, found in a few passes over the bytes."""
    column = pa.array(lines, pa.large_binary())
    odd = pc.or_(
        pc.invert(pc.starts_with(column, b"{")),
        pc.greater(pc.binary_length(column), max_line_bytes),
    )
    for trap in (b"\0", NUL_ESCAPE):
        if trap in block:
            odd = pc.or_(odd, pc.match_substring(column, trap))
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        odd = pc.or_(odd, pa.array([not line.isascii() for line in lines]))
    return pc.indices_nonzero(odd).to_pylist()


def check_lines(
    lines: list[bytes], max_line_bytes: int
) -> tuple[Sequence[bytes | str], list[str], Sequence[str | None], Sequence[str | None]]:
    """Return (raw, raw_encoding, reason, detail) of lines; reason and detail where a line is no text to parse."""
    count = len(lines)
    suspects = _suspects(lines, b"\n".join(lines), max_line_bytes)
    encodings = ["utf-8"] * count
    reasons: list[str | None] = [None] * count
    details: list[str | None] = [None] * count
    if not suspects:
        return lines, encodings, reasons, details
    raw: list[bytes | str] = list(lines)
    for position in suspects:
        raw[position], encodings[position], reasons[position], details[position] = _judge_bytes(
            lines[position], max_line_bytes
        )
    return raw, encodings, reasons, details


def line_tables(chunk: Chunk, text: Text, max_line_bytes: int) -> Iterator[pa.Table]:
    """Yield the chunk's lines as tables of ``LINES_SCHEMA``, of at most ``BATCH_LINES`` rows and ``BATCH_BYTES``."""
    first = 0
    for lines in _batches(text.lines):
        count = len(lines)
        numbers = range(chunk.first_line + first, chunk.first_line + first + count)
        first += count
        yield _table(chunk, numbers, *check_lines(lines, max_line_bytes))
    if text.unreadable is not None:
        number = chunk.first_line + len(text.lines)
        rest = base64.b64encode(text.unreadable).decode()
        yield _table(chunk, range(number, number + 1), [rest], ["base64"], [Reason.UNREADABLE_FILE], [text.problem])


def _batches(lines: list[bytes]) -> Iterator[list[bytes]]:
    start, size = 0, 0
    for position, line in enumerate(lines):
        size += len(line)
        if position + 1 - start >= BATCH_LINES or size >= BATCH_BYTES:
            yield lines[start : position + 1]
            start, size = position + 1, 0
    if start < len(lines):
        yield lines[start:]


def gathered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the tables joined to about a batch each: many small files cost the kernel as little as a large one."""
    waiting: list[pa.Table] = []
    rows = size = 0
    for table in tables:
        waiting.append(table)
        rows, size = rows + table.num_rows, size + table.nbytes
        if rows >= BATCH_LINES or size >= BATCH_BYTES:
            yield pa.concat_tables(waiting)
            waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.concat_tables(waiting)


def _table(chunk: Chunk, numbers: range, *columns: Any) -> pa.Table:
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
