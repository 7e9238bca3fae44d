"""The time-of-use tariff is a column of the profiles, and a scenario says which."""

import pytest

from gridarium.environment.errors import InputError
from gridarium.experiments import load_scenario, run

NOON_VALLEY = "prices.tou_column=tou_noon_valley_price_per_mwh"


def test_a_noon_valley_lowers_what_consumers_pay_and_what_the_operator_buys_at_noon() -> None:
    plain, valley = (
        run(load_scenario("adcef-small", changes), cases=["tou"]) for changes in ([], [NOON_VALLEY])
    )
    for result, at_noon in ((plain, 980.0), (valley, 320.0)):
        posted = result.table("signals").query("kind == 'dso'").set_index("period")
        head = result.table("heads").set_index("period")
        assert set(posted["tou_price_per_mwh"].loc[10:14]) == {at_noon}
        assert head["price_per_mwh"].loc[10:14].to_numpy() == pytest.approx(0.6 * at_noon)
    outside = [*range(10), *range(15, 24)]
    assert (
        plain.table("signals").query("kind == 'dso'")["tou_price_per_mwh"].to_numpy()[outside].tolist()
        == valley.table("signals").query("kind == 'dso'")["tou_price_per_mwh"].to_numpy()[outside].tolist()
    )
    assert valley.summary["tou"]["sales_money"] < plain.summary["tou"]["sales_money"]


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="tou_of_mars"):
        load_scenario("adcef-small", ["prices.tou_column=tou_of_mars"])
