"""Equal parts of records that are kept once, and what becomes of the records: nothing."""

from __future__ import annotations

from imbench.records.shared_parts import SharedParts
from imbench.records.store import Store


def test_equal_parts_of_records_are_one_object_and_the_records_stay_what_they_are(
    tmp_path, make_record
):
    store = Store(tmp_path)
    for seed in range(3):
        store.put(make_record(seed=seed, environment={"device": "cpu"}, notes=["k was lowered"]))
    store.put(make_record("us", 20, 0, environment={"device": "cuda"}))
    alone = [store.read(path) for path in store.paths()]
    found = store.records()
    assert found == alone
    assert all(record.intact for record in found)
    same = [record for record in found if record.cell.recipe == "vanilla"]
    for part in ("environment", "notes", "test_counts", "commit", "__pydantic_fields_set__"):
        assert len({id(getattr(record, part)) for record in same}) == 1, part
    assert len({id(record.cell.settings) for record in found}) == 1
    other = next(record for record in found if record.cell.recipe == "us")
    assert other.environment == {"device": "cuda"}


def test_what_only_compares_equal_is_not_shared(make_record):
    plus, minus = (make_record(sampled_counts=[value, 1.0]) for value in (0.0, -0.0))
    before = [record.line() for record in (plus, minus)]
    assert [record.line() for record in SharedParts().of([plus, minus])] == before


def test_a_copy_of_a_record_leaves_the_others_alone(make_record):
    first, second = SharedParts().of([make_record(seed=0), make_record(seed=1)])
    changed = first.model_copy(update={"reason": "why", "environment": {}})
    assert changed.reason == "why"
    assert second.environment == first.environment == make_record().environment
    assert "reason" not in second.model_fields_set
