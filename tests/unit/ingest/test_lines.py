import base64
import gzip
from datetime import date

import pyarrow as pa
import pytest

from habitlake.contracts import Reason
from habitlake.storage import StoredFile
from spark_jobs.ingest.lines import gunzip, line_tables, read_chunk, split_lines
from spark_jobs.ingest.plan import Chunk, cut, pack

NIGHT = date(2026, 1, 5)


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 7, 16, 64, 1_000])
@pytest.mark.parametrize("text", [b"", b"\n", b"a", b"a\n", b"ab\n\ncd\nefghijklmnop\nq", b"\n\n\nlong line here\n\n"])
def test_chunks_give_every_line_once_with_its_number(tmp_path, text, chunk_bytes):
    path = tmp_path / "a.jsonl"
    path.write_bytes(text)
    found = {}
    for chunk in cut(NIGHT, StoredFile("a.jsonl", str(path), len(text), 0), chunk_bytes):
        read = read_chunk(chunk, None)
        for offset, line in enumerate(read.lines):
            assert read.first_line + offset not in found
            found[read.first_line + offset] = line
    assert found == dict(enumerate(split_lines(text), start=1))


def whole(path):
    return Chunk(NIGHT, str(path), path.name, 0, path.stat().st_size, whole=True)


def test_a_broken_gzip_gives_its_good_lines_and_one_unreadable_rest(tmp_path):
    lines = b"".join(b"line %d\n" % number for number in range(5_000))
    data = gzip.compress(lines)
    read = gunzip(data[: len(data) // 2])
    assert read.lines
    assert read.lines == lines.splitlines()[: len(read.lines)]
    assert "ends before" in read.problem
    assert gunzip(b"not gzip at all").problem
    assert gunzip(gzip.compress(b"a\n") + gzip.compress(b"b\n")).lines == [b"a", b"b"]


def test_bytes_that_are_no_text_are_kept_and_reasoned(tmp_path):
    path = tmp_path / "garbage.jsonl"
    path.write_bytes(b'{"ok":1}\n\xff\xfe\n   \n' + b"x" * 2_000 + b'\n{"a":"\\u0000"}\n')
    table = pa.concat_tables(line_tables(whole(path), read_chunk(whole(path), None), max_line_bytes=1_024))
    assert table["reason"].to_pylist() == [
        None, Reason.INVALID_ENCODING, Reason.EMPTY_LINE, Reason.OVERSIZED_LINE, Reason.MALFORMED_JSON,
    ]  # fmt: skip
    assert base64.b64decode(table["raw"][1].as_py()) == b"\xff\xfe"
    assert table["_line"].to_pylist() == [1, 2, 3, 4, 5]


def test_packing_spreads_weight_and_loses_nothing():
    chunks = [Chunk(NIGHT, f"{index}.jsonl", "f", 0, size, whole=True) for index, size in enumerate([90, 10, 40, 40, 20])]
    tasks = pack(chunks, 2)
    assert sorted(chunk.uri for task in tasks for chunk in task) == sorted(chunk.uri for chunk in chunks)
    assert [sum(chunk.weight for chunk in task) for task in tasks] == [100, 100]
