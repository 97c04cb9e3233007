"""Options that only make sense together are refused apart."""

import pytest
from typer.testing import CliRunner

from habitlake.cli.app import app
from habitlake.errors import PermanentError


def test_the_end_of_a_range_needs_its_first_night():
    result = CliRunner().invoke(app, ["nightly", "--end", "2026-03-05"])
    assert isinstance(result.exception, PermanentError)
    assert "--date" in str(result.exception)


def test_a_date_that_is_none_is_refused_before_anything_starts():
    result = CliRunner().invoke(app, ["nightly", "--date", "2026-02-30"])
    assert isinstance(result.exception, PermanentError)
    with pytest.raises(PermanentError, match="YYYY-MM-DD"):
        raise result.exception
