"""Networks that are not ours, run as they are: their power flow against pandapower's of the same files."""

from __future__ import annotations

import tempfile
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gridarium.environment.errors import GridariumError
from gridarium.experiments.benchmarks.base_case_networks import NETWORKS, saved_network, write_flat_profile
from gridarium.experiments.benchmarks.outcome_file import KeptGroup, OutcomeFile
from gridarium.experiments.benchmarks.random_runs import play_all
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.running.runner import run
from gridarium.experiments.scenario import load_scenario

VOLTAGE_PU = 1e-7
POWER_MVA = 1e-6
Ending = Literal["equal", "differs", "uncertified", "traceback"]
ENDINGS: tuple[Ending, ...] = ("equal", "differs", "uncertified", "traceback")
"""The same state; another one; a certificate that failed; an error, where no limit is in the way."""
_NO_LIMITS = "voltage_min_pu: 0.5, voltage_max_pu: 1.5, loading_max: null"


@dataclass(frozen=True)
class Base:
    """A network by its name."""

    name: str

    def told(self) -> str:
        """What was played."""
        return self.name


@dataclass(frozen=True)
class Outcome:
    """How the base case of a network ended.

    Parameters
    ----------
    drawn : Base
    ending : str
        One of `ENDINGS`.
    detail : str
        Why, where it is not equal.
    vm_pu, p_mw, q_mvar : float
        Largest difference of voltages, and those of what the head takes.
    limits : str
        With the limits and ratings of the file: `kept`, or what the run said of them.
    cpu_s : float
    """

    drawn: Base
    ending: Ending
    detail: str
    vm_pu: float
    p_mw: float
    q_mvar: float
    limits: str
    cpu_s: float


def bench_base_cases(
    count: int = len(NETWORKS), first: int = 1, workers: int = 1, resume: Path | None = None
) -> dict[str, float]:
    """Run networks at their nominal loads, and tell of each whose state is not pandapower's.

    Parameters
    ----------
    count, first : int
        How many networks, and the first of them.
    workers : int
        Processes.
    resume : Path, optional
        Where outcomes are kept, from which a run that was broken off goes on.
    """
    numbers = range(first, min(first + count, len(NETWORKS) + 1))
    kept = None if resume is None else KeptGroup(OutcomeFile(resume), "base cases", _tree, _told, _heard)
    outcomes = play_all(play, numbers, workers, "equal", kept)
    found = [one for one in outcomes if np.isfinite(one.vm_pu)]
    return {
        "networks": float(len(outcomes)),
        **{f"{ending}_share": _share(outcomes, ending) for ending in ENDINGS},
        "limits_kept_share": sum(one.limits == "kept" for one in outcomes) / len(outcomes),
        "largest_voltage_error_pu": max((one.vm_pu for one in found), default=float("nan")),
        "largest_power_error_mw": max((one.p_mw for one in found), default=float("nan")),
        "largest_reactive_error_mvar": max((one.q_mvar for one in found), default=float("nan")),
        "longest_cpu_s": max(one.cpu_s for one in outcomes),
    }


def _share(outcomes: list[Outcome], ending: Ending) -> float:
    return sum(one.ending == ending for one in outcomes) / len(outcomes)


def play(number: int) -> Outcome:
    """Run one network, by its number from 1 on."""
    name, started = list(NETWORKS)[number - 1], time.process_time()
    ended = partial(Outcome, Base(name))
    with tempfile.TemporaryDirectory() as folder:
        try:
            source, reference = saved_network(name, Path(folder))
            errors, failed = compared(source, Path(folder), reference)
            limits = _limits(source, Path(folder))
        except Exception:  # noqa: BLE001 - what it is that nobody has foreseen is what is measured
            nan = float("nan")
            cpu_s = time.process_time() - started
            return ended("traceback", traceback.format_exc(), nan, nan, nan, "", cpu_s)
    equal = errors[0] <= VOLTAGE_PU and max(errors[1:]) <= POWER_MVA
    ending: Ending = "uncertified" if failed else "equal" if equal else "differs"
    detail = failed or f"voltage {errors[0]:.1e} p.u., head {errors[1]:.1e} MW, {errors[2]:.1e} Mvar"
    return ended(ending, detail, *errors, limits, time.process_time() - started)


def compared(source: str, folder: Path, reference: Any) -> tuple[tuple[float, float, float], str]:
    """Differences of the run of a network from its power flow: p.u., MW, Mvar; and certificates that failed.

    Parameters
    ----------
    source : str
        A file, or a name that scenarios know.
    folder : Path
        For a profile of one height.
    reference : pandapowerNet
        With its power flow.
    """
    result = run(load_scenario("own-network", _settings(folder, f"{{source: {source}, {_NO_LIMITS}}}")))
    table = result.table("buses").query("period == 0").set_index("bus")["vm_pu"]
    offset = 1 if source == "case33bw" else 0
    by_bus = reference.res_bus.vm_pu.rename(lambda bus: str(bus + offset))
    (head,) = result.table("dispatch").query("period == 0 and kind == 'head'").to_dict("records")
    net_mw = head["p_supply_mw"] - head["p_demand_mw"]
    errors = (
        float((table - by_bus.reindex(table.index)).abs().max()),
        abs(net_mw - float(reference.res_ext_grid.p_mw.sum())),
        abs(head["q_mvar"] - float(reference.res_ext_grid.q_mvar.sum())),
    )
    return errors, "; ".join(f"{one.name} {one.value:.3g}" for one in result.certificates if not one.passed)


def _limits(source: str, folder: Path) -> str:
    """What comes of a network at the limits of its own file."""
    try:
        result = run(load_scenario("own-network", _settings(folder, f"{{source: {source}}}")))
    except GridariumError as error:
        return str(error)
    failed = [f"{one.name} {one.value:.3g}" for one in result.certificates if not one.passed]
    return "; ".join(failed) or "kept"


def _settings(folder: Path, network: str) -> list[str]:
    """One hour in which loads are as high as they ever are."""
    return [f"profiles={write_flat_profile(folder)}", "horizon_h=1", f"network={network}"]


def _tree(number: int) -> Tree:
    return {"network": list(NETWORKS)[number - 1]}


def _told(outcome: Outcome) -> Mapping[str, Any]:
    return {name: value for name, value in asdict(outcome).items() if name != "drawn"}


def _heard(number: int, told: Mapping[str, Any]) -> Outcome:
    return Outcome(Base(list(NETWORKS)[number - 1]), **told)
