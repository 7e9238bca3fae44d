"""Bulk systems that lack a kind of unit: without storages, without renewable plants, without either."""

from __future__ import annotations

import pytest

from gridarium.experiments.results.result import Result
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario

BULK = "grids.bulk."


def played(*settings: str) -> Result:
    return run(
        load_scenario("ries-small", ["horizon_h=4", *(BULK + one for one in settings)]), cases=["full"]
    )


@pytest.mark.parametrize("missing", [("storages",), ("renewables",), ("storages", "renewables")])
def test_a_ties_runs_without_a_kind_of_unit(missing: tuple[str, ...]) -> None:
    result = played(*(f"{kind}={{}}" for kind in missing))
    assert [one.name for one in result.certificates if one.hard and not one.passed] == []
    left = {kind: (result.table("dispatch")["kind"] == kind.removesuffix("s")).any() for kind in missing}
    assert not any(left.values())


def test_no_storage_is_as_good_as_those_that_hold_nothing() -> None:
    names = load_scenario("ries-small").cases["full"].model_dump(mode="json")["grids"]["bulk"]["storages"]
    nothing = [f"storages.{name}.{field}=1e-6" for name in names for field in ("p_max_mw", "e_max_mwh")]
    without, held = (
        played("network=copper-plate", *settings).summary["full"] for settings in (["storages={}"], nothing)
    )
    for name in ("emission_tco2", "resource_cost_money", "social_cost_money", "import_mwh"):
        assert without[f"bulk.{name}"] == pytest.approx(held[f"bulk.{name}"], rel=1e-5)
