"""Hours and days of little load or none, and of negative prices: signals stay bounded, nothing jumps."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.feeder.dso import Dso
from gridarium.experiments import load_scenario, run
from gridarium.experiments.evidence.feeder.signal_certificates import jump_at_no_load, signals
from gridarium.experiments.evidence.grid_evidence import evidence_of
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.world_build import build
from gridarium.experiments.telling.narrative import narrative
from gridarium.market.adcef import AdcefTariff
from gridarium.market.supply import Situation
from gridarium.market.tariffs import TariffOffer, carbon_adjusted_price

NOON = 12
DIRTIEST = 0.8
"""Of the grid in the evening; gas turbines emit 0.43."""


def profile(folder: Path, load_mw: dict[int, float]) -> Path:
    """The ordinary day of adcef with another load in some hours."""
    table = pd.read_csv(str(files("gridarium.experiments") / "data" / "adcef-ordinary.csv"), comment="#")
    table["load_mw"] = table["load_mw"].astype(float)
    for hour, value in load_mw.items():
        table.loc[hour, "load_mw"] = value
    path = folder / "profile.csv"
    table.to_csv(path, index=False)
    return path


@cache
def noon_of(load_mw: float, folder: Path) -> Result:
    settings = [f"profiles={profile(folder, {NOON: load_mw})}"]
    return run(load_scenario("adcef-small", settings), cases=["adcef"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("profiles")


@pytest.mark.parametrize("load_mw", [0.0, 1e-3])
def test_an_hour_of_next_to_no_load_runs_with_signals_within_their_bounds(
    load_mw: float, folder: Path
) -> None:
    result = noon_of(load_mw, folder)
    assert [one.name for one in result.certificates if one.hard and not one.passed] == []
    posted = result.table("signals").query("kind == 'dso'")
    # At noon the whole credit of a MWh: 0.8 t below nothing, and the quota of 0.35 t on top.
    assert posted["factor_planned_tco2_per_mwh"].min() == pytest.approx(-DIRTIEST)
    assert posted["price_per_mwh"].iloc[NOON] == pytest.approx(980.0 - 73.65 * (DIRTIEST + 0.35), abs=0.02)


def test_no_load_is_where_next_to_no_load_leads_to(folder: Path) -> None:
    none, little = (
        noon_of(load_mw, folder).table("signals").query("kind == 'dso'")["price_per_mwh"].to_numpy()
        for load_mw in (0.0, 1e-3)
    )
    assert little == pytest.approx(none, abs=0.05)


def test_a_day_without_any_load_runs(folder: Path) -> None:
    settings = [f"profiles={profile(folder, dict.fromkeys(range(24), 0.0))}"]
    result = run(load_scenario("adcef-small", settings), cases=["adcef"])
    assert [one.name for one in result.certificates if not one.passed] == []
    assert narrative(result)[0].text == "adcef emits 0 tCO2."


class Dividing(AdcefTariff):
    """Divides by the load, as is printed."""

    def offer(self, situation: Situation) -> TariffOffer:
        market, load = situation.conditions, situation.load_mw
        liability = situation.supply.emission_t_per_h - situation.avoided_t_per_h
        factor = np.divide(liability, load, out=np.zeros_like(load), where=load > 0.0)
        price = carbon_adjusted_price(
            market.tou_price_per_mwh,
            factor,
            market.quota_tco2_per_mwh,
            market.carbon_price_per_tco2,
        )
        return TariffOffer(price, factor, np.zeros_like(load), np.zeros_like(load))


def test_the_printed_formula_fails_all_three_certificates(folder: Path) -> None:
    path = profile(folder, {NOON: 1e-3, 11: 1e-3})
    built = build(load_scenario("adcef-small", [f"profiles={path}"]).cases["adcef"])
    dso = built.one(Dso)
    while built.world.running:
        built.world.step()
    tables = collect("adcef", built.world, built.sections)
    known = evidence_of("adcef", built.world.grid, built.sections, tables)
    assert [(one.name, one.value <= one.tolerance) for one in signals(known)] == [
        ("bounds of the factor", True),
        ("bounds of the price", True),
        ("jump at no load", True),
    ]
    situation = dso.today.plan.situation
    wrong = Dividing().offer(situation)
    assert jump_at_no_load(Dividing(), situation) > 1e6
    posted = tables["signals"].copy()
    is_dso = posted["kind"] == "dso"
    posted.loc[is_dso, "factor_planned_tco2_per_mwh"] = wrong.factor_tco2_per_mwh
    posted.loc[is_dso, "price_per_mwh"] = wrong.price_per_mwh
    told = evidence_of("adcef", built.world.grid, built.sections, {**tables, "signals": posted})
    failed = {one.name for one in signals(told) if one.value > one.tolerance}
    assert failed == {"bounds of the factor", "bounds of the price"}


def test_four_negative_hours_around_noon_run(folder: Path) -> None:
    table = pd.read_csv(profile(folder, {}))
    table["tou_price_per_mwh"] = table["tou_price_per_mwh"].astype(float)
    table.loc[11:14, "tou_price_per_mwh"] = -200.0
    table.to_csv(folder / "negative.csv", index=False)
    result = run(load_scenario("adcef-small", [f"profiles={folder / 'negative.csv'}"]), cases=["adcef"])
    assert [one.name for one in result.certificates if one.hard and not one.passed] == []
