"""Records: what is written can be read, proven and not changed."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from gridarium.environment.errors import LedgerError
from gridarium.environment.hash_chain import Break, first_break
from gridarium.environment.ledger_tables import record_links
from gridarium.environment.merkle import includes, leaf_hash
from gridarium.environment.records import RECORDS, VALUES, Records, record_data

START = pd.Timestamp("2025-06-21", tz="Asia/Shanghai")


def written() -> Records:
    records = Records(START)
    for number in range(8):
        owner, what = f"r1/storage {number % 2}", "allocated" if number < 4 else "executed"
        values = {"charge_mwh": 0.1 * number, "discharge_mwh": 0.0, "q_mvarh": -0.1}
        records.write(900.0 * number, "dso", owner, what, number // 2, **values)
    records.write(7e3, "edge", "r1/storage 0", "isolated")
    return records


def test_what_is_written_is_read() -> None:
    records = written()
    own = records.of("r1/storage 0", since=3)
    assert [(one.entry, one.period, one.what) for one in own] == [
        (4, 2, "executed"), (6, 3, "executed"), (8, None, "isolated"),
    ]  # fmt: skip
    assert own[0].charge_mwh == 0.4 and math.isnan(own[0].amount_money) and math.isnan(own[-1].charge_mwh)
    assert [one.entry for one in records.of("r1/storage 1", until=4)] == [1, 3]
    assert records.of("nobody") == []
    table = records.table()
    assert list(table.columns) == [
        "entry", "period", "time", "writer", "owner", "what", *VALUES, "hash",
    ]  # fmt: skip
    assert table["time"].iloc[1] == START + pd.Timedelta(minutes=15)
    assert (table.dtypes == Records(START).table().dtypes).all()


def test_an_owner_proves_each_of_its_records_by_the_root() -> None:
    records = written()
    tree = records.tree
    for record in records.of("r1/storage 1"):
        proof = tree.inclusion(record.entry, len(records))
        assert includes(tree.root(), len(records), record.entry, leaf_hash(record_data(record)), proof)
        other = leaf_hash(record_data(record._replace(discharge_mwh=1e-12)))
        assert not includes(tree.root(), len(records), record.entry, other, proof)


@pytest.mark.parametrize("column", ["period", "time", "writer", "owner", "what", *VALUES, "hash"])
def test_every_altered_record_of_a_table_is_located(column: str) -> None:
    table = written().table()
    assert first_break(record_links(table), RECORDS, 9) is None
    others = {"period": 9, "time": START - pd.Timedelta(1), "hash": "00"}
    for number in range(9):
        altered = table.copy()
        other = others.get(column, 0.75 if column in VALUES else "another")
        altered.loc[number, column] = other
        assert first_break(record_links(altered), RECORDS, 9) == Break(number, "altered", number)


@pytest.mark.parametrize("column", ["_periods", "_times", "_writers", "_owners", "_whats", "_values"])
def test_tampering_in_the_world_is_found(column: str) -> None:
    for number in range(9):
        records = written()
        records.verify()
        values = getattr(records, column)
        place = 4 * number if column == "_values" else number
        values[place] = 1 if values[place] == 0 else 0
        with pytest.raises(LedgerError, match=f"records, entry {number}"):
            records.verify()


def test_what_is_no_record_is_refused() -> None:
    records = Records()
    with pytest.raises(LedgerError, match="q_mvarh must be finite, or nan where it does not apply, got inf"):
        records.write(0.0, "dso", "one", "executed", q_mvarh=math.inf)
    with pytest.raises(LedgerError, match="time_s must be finite"):
        records.write(math.nan, "dso", "one", "executed")
    with pytest.raises(LedgerError, match="must be named"):
        records.write(0.0, "dso", "", "executed")
    assert len(records) == 0
