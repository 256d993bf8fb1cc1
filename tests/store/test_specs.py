import json
import sqlite3
from dataclasses import replace

from watchkeeper.core.spec import Spec
from watchkeeper.testing.ledger import every_noun


def test_a_spec_that_was_stored_before_a_field_came_is_not_recorded_anew(lake, tmp_path):
    spec = next(noun for noun in every_noun("m") if isinstance(noun, Spec))
    lake.record("m", [spec])
    database = sqlite3.connect(tmp_path / "store" / "watchkeeper.db")
    body = json.loads(database.execute("SELECT body FROM specs").fetchone()[0])
    assert body.pop("estimate") == spec.estimate
    database.execute("UPDATE specs SET body = ?, identity = 'of another time'", [json.dumps(body)])
    database.commit()
    lake.record("m", [spec])
    assert lake.recorded("m", Spec) == [spec]
    database.execute("UPDATE specs SET body = ?", [json.dumps({**body, "estimate": "scores"})])
    database.commit()
    database.close()
    lake.record("m", [spec])
    assert lake.recorded("m", Spec) == [replace(spec, estimate="scores"), spec]
