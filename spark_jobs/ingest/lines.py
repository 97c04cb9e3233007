"""From a landing file's bytes to lines: plain or gzip, whatever is in them; no content can stop the night."""

import base64
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
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
    """The lines of a chunk (large binary), and the rest that could not be read, with why."""

    lines: pa.Array
    unreadable: bytes | None = None
    problem: str = ""


NO_LINES = pa.array([], pa.large_binary())


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
        return Text(NO_LINES, b"", f"the file cannot be read: {error}")


def count_starts(chunk: Chunk, s3_endpoint_url: str | None) -> int:
    """Return how many lines start in the chunk of a plain file; a file that cannot be read has none."""
    system, path = filesystem(chunk.uri, s3_endpoint_url)
    begin = max(chunk.start - 1, 0)
    try:
        with system.open_input_file(path) as file:
            return file.read_at(chunk.end - 1 - begin, begin).count(b"\n") + (chunk.start == 0)
    except OSError:
        return 0


def split_lines(data: bytes) -> pa.Array:
    """Split at newlines; the newline at the end of a file starts no further line."""
    lines = pc.split_pattern(pa.array([data], pa.large_binary()), "\n").values
    return lines.slice(0, len(lines) - 1) if not data or data.endswith(b"\n") else lines


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


def _read_range(file: "NativeFile", chunk: Chunk) -> pa.Array:
    # The line that starts exactly at ``start`` is ours if the byte before it is a newline.
    begin = max(chunk.start - 1, 0)
    data = file.read_at(chunk.end - begin, begin)
    if chunk.start > 0:
        head = data.find(b"\n")
        if head < 0:
            return NO_LINES
        data = data[head + 1 :]
    if not data:
        return NO_LINES
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


def _bytes_of(lines: pa.Array) -> bytes:
    """Return the bytes of all lines, one after the other."""
    _, offsets, data = lines.buffers()
    if not len(lines) or data is None:
        return b""
    ends = np.frombuffer(offsets, np.int64)[lines.offset : lines.offset + len(lines) + 1]
    return data.slice(ends[0], ends[-1] - ends[0]).to_pybytes()


def _suspects(lines: pa.Array, max_line_bytes: int) -> pa.Array:
    """Return which lines are not plainly fine; a few passes over the bytes."""
    odd = pc.or_(pc.invert(pc.starts_with(lines, "{")), pc.greater(pc.binary_length(lines), max_line_bytes))
    data = _bytes_of(lines)
    for trap in (b"\0", NUL_ESCAPE):
        # Most data holds neither, which Python finds ten times faster than Arrow.
        if trap in data:
            odd = pc.or_(odd, pc.match_substring(lines, trap))
    try:
        lines.cast(pa.large_string())
    except pa.ArrowInvalid:
        odd = pc.or_(odd, pc.invert(pc.string_is_ascii(lines.view(pa.large_string()))))
    return odd


def check_lines(lines: pa.Array, max_line_bytes: int) -> list[pa.Array]:
    """Return raw, raw_encoding, reason and detail of lines; reason and detail where a line is no text to parse."""
    count = len(lines)
    odd = _suspects(lines, max_line_bytes)
    columns = [
        lines.view(pa.large_string()),
        pa.repeat("utf-8", count),
        pa.nulls(count, pa.string()),
        pa.nulls(count, pa.string()),
    ]
    suspects = lines.filter(odd).to_pylist()
    if not suspects:
        return columns
    judged = zip(*(_judge_bytes(line, max_line_bytes) for line in suspects), strict=True)
    return [
        pc.replace_with_mask(column, odd, pa.array(values, column.type))
        for column, values in zip(columns, judged, strict=True)
    ]


def line_tables(chunk: Chunk, text: Text, max_line_bytes: int) -> Iterator[pa.Table]:
    """Yield the chunk's lines as tables of ``LINES_SCHEMA``, of at most ``BATCH_LINES`` rows and ``BATCH_BYTES``."""
    first = chunk.first_line
    for lines in _batches(text.lines):
        yield _table(chunk, first, check_lines(lines, max_line_bytes))
        first += len(lines)
    if text.unreadable is not None:
        rest = base64.b64encode(text.unreadable).decode()
        columns = ([rest], ["base64"], [Reason.UNREADABLE_FILE], [text.problem])
        yield _table(chunk, first, [pa.array(column) for column in columns])


def _batches(lines: pa.Array) -> Iterator[pa.Array]:
    """Yield slices of at most ``BATCH_LINES`` lines that end with the line that fills ``BATCH_BYTES``."""
    start, ends = 0, np.cumsum(pc.binary_length(lines).to_numpy(zero_copy_only=False))
    while start < len(lines):
        before = ends[start - 1] if start else 0
        full = int(np.searchsorted(ends, before + BATCH_BYTES)) + 1
        end = min(full, start + BATCH_LINES, len(lines))
        yield lines.slice(start, end - start)
        start = end


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


def _table(chunk: Chunk, first: int, columns: Sequence[pa.Array]) -> pa.Table:
    count = len(columns[0])
    return pa.table(
        [
            pa.repeat(pa.scalar(chunk.batch_date, pa.date32()), count),
            pa.repeat(chunk.source_file, count),
            pa.array(np.arange(first, first + count)),
            *(column.cast(field.type) for column, field in zip(columns, list(LINES_SCHEMA)[3:], strict=True)),
        ],
        schema=LINES_SCHEMA,
    )
