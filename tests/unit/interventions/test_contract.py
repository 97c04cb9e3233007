"""The published schema is the one of the code."""

import json

from habitlake.settings import PROJECT_ROOT
from interventions.queue.contract import item_schema

FILE = PROJECT_ROOT / "interventions" / "queue" / "queue_item.schema.json"


def test_the_committed_schema_is_current():
    assert json.loads(FILE.read_text()) == item_schema(), "write it again: python -m interventions.queue schema > FILE"
