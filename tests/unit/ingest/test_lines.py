import base64
import gzip
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from habitlake.contracts import Reason
from habitlake.storage import StoredFile
from spark_jobs.ingest.lines import count_starts, gathered, gunzip, line_tables, read_chunk, split_lines
from spark_jobs.ingest.plan import Chunk, cut, share_out

NIGHT = date(2026, 1, 5)


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 7, 16, 64, 1_000])
@pytest.mark.parametrize("text", [b"", b"\n", b"a", b"a\n", b"ab\n\ncd\nefghijklmnop\nq", b"\n\n\nlong line here\n\n"])
def test_chunks_give_every_line_once_with_its_number(tmp_path, text, chunk_bytes):
    path = tmp_path / "a.jsonl"
    path.write_bytes(text)
    chunks = cut(NIGHT, StoredFile("a.jsonl", str(path), len(text), 0), chunk_bytes)
    lines, starts = [], []
    for chunk in chunks:
        own = read_chunk(chunk, None).lines.to_pylist()
        lines += own
        starts.append(len(own))
    assert lines == split_lines(text).to_pylist()
    assert lines == text.removesuffix(b"\n").split(b"\n") if text else not lines
    if not any(chunk.whole for chunk in chunks):
        counted = [count_starts(chunk, None) for chunk in chunks]
        # After the last newline of the file a line seems to start; there is no chunk left to number after it.
        assert counted[:-1] == starts[:-1]


def whole(path):
    return Chunk(NIGHT, str(path), path.name, 0, path.stat().st_size, whole=True)


def test_a_broken_gzip_gives_its_good_lines_and_one_unreadable_rest(tmp_path):
    lines = b"".join(b"line %d\n" % number for number in range(5_000))
    data = gzip.compress(lines)
    read = gunzip(data[: len(data) // 2])
    assert len(read.lines)
    assert read.lines.to_pylist() == lines.splitlines()[: len(read.lines)]
    assert "ends before" in read.problem
    assert gunzip(b"not gzip at all").problem
    assert gunzip(gzip.compress(b"a\n") + gzip.compress(b"b\n")).lines.to_pylist() == [b"a", b"b"]


def test_bytes_that_are_no_text_are_kept_and_reasoned(tmp_path):
    path = tmp_path / "garbage.jsonl"
    path.write_bytes(b'{"ok":1}\n\xff\xfe\n   \n' + b"x" * 2_000 + b'\n{"a":"\\u0000"}\n')
    table = pa.concat_tables(line_tables(whole(path), read_chunk(whole(path), None), max_line_bytes=1_024))
    assert table["reason"].to_pylist() == [
        None, Reason.INVALID_ENCODING, Reason.EMPTY_LINE, Reason.OVERSIZED_LINE, Reason.MALFORMED_JSON,
    ]  # fmt: skip
    assert base64.b64decode(table["raw"][1].as_py()) == b"\xff\xfe"
    assert table["_line"].to_pylist() == [1, 2, 3, 4, 5]


def test_lines_are_numbered_from_the_first_line_of_the_chunk(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":2}\n')
    table = pa.concat_tables(line_tables(replace(whole(path), first_line=41), read_chunk(whole(path), None), 1_024))
    assert table["_line"].to_pylist() == [41, 42]


def test_lines_of_many_files_are_gathered_and_none_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr("spark_jobs.ingest.lines.BATCH_LINES", 4)
    tables = []
    for number in range(5):
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(b'{"a":1}\n' * number)
        tables += line_tables(whole(path), read_chunk(whole(path), None), 1_024)
    batches = list(gathered(tables))
    assert [batch.num_rows for batch in batches] == [6, 4]
    assert (
        len(set(zip(*(pa.concat_tables(batches)[name].to_pylist() for name in ("_source_file", "_line")), strict=True)))
        == 10
    )


def test_sharing_out_balances_weight_keeps_order_and_loses_nothing():
    chunks = [
        Chunk(NIGHT, f"{index}.jsonl", "f", 0, size, whole=True) for index, size in enumerate([40, 60, 90, 10, 0])
    ]
    tasks = share_out(chunks, 2)
    assert [chunk for task in tasks for chunk in task] == chunks
    assert [sum(chunk.weight for chunk in task) for task in tasks] == [100, 100]
    assert share_out([], 3) == []
