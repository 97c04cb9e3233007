"""Listing the landing zone: what is not there is empty, what cannot be read is an error."""

import os

import pytest

from habitlake.errors import PermanentError
from habitlake.landing import landed_nights
from habitlake.settings import Settings
from habitlake.storage import folders, list_files


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, _env_file=None)


def test_a_location_that_is_not_there_is_empty(settings, tmp_path):
    assert folders(str(tmp_path / "none"), settings) == []
    assert list_files(str(tmp_path / "none"), settings) == []


def test_folders_and_files_are_listed_in_order_without_unfinished_work(settings, tmp_path):
    for name in ("b", "a"):
        (tmp_path / "top" / name).mkdir(parents=True)
        (tmp_path / "top" / name / "file").write_text(name)
    (tmp_path / "top" / "a" / "_unfinished").write_text("")
    location = str(tmp_path / "top")
    assert folders(location, settings) == ["a", "b"]
    assert [file.relative for file in list_files(location, settings)] == ["a/file", "b/file"]


@pytest.mark.parametrize("listing", [folders, list_files])
def test_a_file_in_the_place_of_the_landing_folder_is_no_empty_landing(settings, tmp_path, listing):
    (tmp_path / "landing").write_text("not a folder")
    with pytest.raises(PermanentError, match="check that it is a folder"):
        listing(str(tmp_path / "landing" / "events"), settings)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
@pytest.mark.parametrize("listing", [folders, list_files])
def test_an_unreadable_folder_is_no_empty_landing(settings, tmp_path, listing):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(PermanentError, match="this user may read it"):
        listing(str(closed), settings)


def test_a_partition_without_a_date_is_named(settings, tmp_path):
    (tmp_path / "landing" / "events" / "batch_date=today").mkdir(parents=True)
    with pytest.raises(PermanentError, match=r"batch_date=today is no night.*rename"):
        landed_nights(settings)
