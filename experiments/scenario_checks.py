"""Checks between the sections of a scenario, and against its network and its profiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gridarium.environment.errors import Fault, ProfileError
from gridarium.experiments.scenario_files import profile_path
from gridarium.experiments.scenario_schema import Scenario

_PROFILE_COLUMNS = ("load_mw", "tou_cny_per_mwh", "grid_tco2_per_mwh")


def _shares_sum_to_one(case: Scenario) -> Iterator[Fault]:
    total = sum(consumer.share for consumer in case.consumers.values())
    if abs(total - 1.0) > 1e-9:
        shares = {name: consumer.share for name, consumer in case.consumers.items()}
        yield Fault("consumers", shares, f"shares must sum to 1, they sum to {total:g}")


def _names_are_unique(case: Scenario) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for section in ("gas_turbines", "storages", "renewables", "consumers"):
        for name in getattr(case, section):
            if name in seen:
                yield Fault(f"{section}.{name}", name, f"must be unique; {seen[name]} has one of that name")
            seen[name] = section


def _sites_have_units(case: Scenario) -> Iterator[Fault]:
    for unit in case.network.sites:
        if unit not in case.unit_names:
            known = ", ".join(case.unit_names) or "none"
            yield Fault(f"network.sites.{unit}", unit, f"must be the name of a unit; there are {known}")


def _network_is_a_feeder(case: Scenario) -> Iterator[Fault]:
    from gridarium.environment.network_tables import check_network

    yield from check_network(case.network.source, case.network.sites, "network")


def _substation_is_in_band(case: Scenario) -> Iterator[Fault]:
    from gridarium.environment.network_tables import is_simbench_code, read_topology

    network = case.network
    if network.slack_voltage_pu is not None or is_simbench_code(network.source):
        return
    own = read_topology(network.source).slack_vm_pu
    low, high = network.voltage_min_pu, network.voltage_max_pu
    if own is not None and not low <= own <= high:
        allowed = f"the network's own {own:g} p.u. is outside the voltage band [{low:g}, {high:g}] p.u."
        yield Fault("network.slack_voltage_pu", None, f"must be given: {allowed}")


def _profiles_fit(case: Scenario) -> Iterator[Fault]:
    from gridarium.environment.profiles import read_profiles

    columns = (*_PROFILE_COLUMNS, *(plant.column for plant in case.renewables.values()))
    try:
        profiles = read_profiles(profile_path(case.profiles), dict.fromkeys(columns))
    except ProfileError as error:
        for fault in error.faults:
            yield Fault("profiles", fault.value, f"{fault.place} {fault.allowed}")
        return
    if abs(profiles.period_h - case.period_h) > 1e-9:
        allowed = f"must be the step of {case.profiles}, {profiles.period_h:g} h"
        yield Fault("period_h", case.period_h, allowed)
    first = profiles.index[0].time()
    if case.start.time() != first:
        # The dates of the profiles do not matter, but their first row is of some hour of the day.
        allowed = f"must be at {first:%H:%M} of a day, where the rows of {case.profiles} begin"
        yield Fault("start", case.start.isoformat(), allowed)


_CROSS_CHECKS: tuple[tuple[frozenset[str], Callable[[Scenario], Iterator[Fault]]], ...] = (
    (frozenset({"consumers"}), _shares_sum_to_one),
    (frozenset({"gas_turbines", "storages", "renewables", "consumers"}), _names_are_unique),
    (frozenset({"gas_turbines", "storages", "renewables", "network"}), _sites_have_units),
    (frozenset({"network"}), _network_is_a_feeder),
    (frozenset({"network"}), _substation_is_in_band),
    (frozenset({"profiles", "period_h", "renewables", "start"}), _profiles_fit),
)
"""Checks between sections, each with the sections that must be sound for it to make sense."""


def cross_faults(case: Scenario, broken: set[str]) -> Iterator[Fault]:
    """Yield what is wrong between sections, leaving out the checks that need a broken one."""
    for sections, check in _CROSS_CHECKS:
        if not sections & broken:
            yield from check(case)
