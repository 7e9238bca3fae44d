"""The statements of a made-up paper on heat pumps, and a figure of its own."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from gridarium.experiments.claims.kinds import Evidence, Finding, directional
from gridarium.experiments.claims.paper import Paper
from gridarium.experiments.results.records import Drawing
from gridarium.experiments.results.result import Result


def _evening_mwh(evidence: Evidence, case: str) -> float:
    rows = evidence.of("loads", case)
    hour = rows["time"].dt.hour
    return float(rows["p_metered_mw"][(rows["kind"] == "heat_pump") & (hour >= 17) & (hour < 21)].sum())


def _leaves_the_evening(evidence: Evidence) -> Finding:
    before, after = (_evening_mwh(evidence, case) for case in ("plain", "adder"))
    return Finding(
        f"{before:.3f} to {after:.3f} MWh", after < before - 1e-6, "energy of heat pumps from 17 to 21 h"
    )


def drawings(result: Result) -> Iterator[Drawing]:
    figure = Figure(figsize=(5.0, 2.5))
    axes = figure.subplots()
    for case, rows in result.table("buildings").groupby("case", sort=False):
        axes.plot(rows["period"], rows["stored_mwh"], label=case)
    axes.set_xlabel("period")
    axes.set_ylabel("heat in buildings (MWh electric)")
    axes.legend()
    yield Drawing("buildings", "Heat that the buildings hold.", figure)


PAPER = Paper(
    "A made-up paper on heat pumps",
    (
        directional(
            "H-evening",
            "section 1",
            "heat pumps leave the evening when it costs more",
            "falls",
            _leaves_the_evening,
            ("plain", "adder"),
        ),
    ),
    drawings,
)
