"""Checks between the sections of a scenario of model C, and against its network."""

from __future__ import annotations

from collections.abc import Iterator

from gridarium.environment.errors import Fault
from gridarium.experiments.adcef.schema import AdcefScenario
from gridarium.experiments.scenario_checks import (
    CrossCheck,
    names_are_unique,
    profiles_fit,
    rates_are_of_others,
)

_NAMED = ("gas_turbines", "storages", "renewables", "consumers")


def _shares_sum_to_one(case: AdcefScenario) -> Iterator[Fault]:
    total = sum(consumer.share for consumer in case.consumers.values())
    if abs(total - 1.0) > 1e-9:
        shares = {name: consumer.share for name, consumer in case.consumers.items()}
        yield Fault("consumers", shares, f"shares must sum to 1, they sum to {total:g}")


def _names_are_unique(case: AdcefScenario) -> Iterator[Fault]:
    yield from names_are_unique(case, _NAMED)


def _sites_have_units(case: AdcefScenario) -> Iterator[Fault]:
    for unit in case.network.sites:
        if unit not in case.unit_names:
            known = ", ".join(case.unit_names) or "none"
            yield Fault(f"network.sites.{unit}", unit, f"must be the name of a unit; there are {known}")


def _network_is_a_feeder(case: AdcefScenario) -> Iterator[Fault]:
    from gridarium.environment.network_tables import check_network

    yield from check_network(case.network.source, case.network.sites, "network")


def _substation_is_in_band(case: AdcefScenario) -> Iterator[Fault]:
    from gridarium.environment.network_tables import is_simbench_code, read_topology

    network = case.network
    if network.slack_voltage_pu is not None or is_simbench_code(network.source):
        return
    own = read_topology(network.source).slack_vm_pu
    low, high = network.voltage_min_pu, network.voltage_max_pu
    if own is not None and not low <= own <= high:
        allowed = f"the network's own {own:g} p.u. is outside the voltage band [{low:g}, {high:g}] p.u."
        yield Fault("network.slack_voltage_pu", None, f"must be given: {allowed}")


def _leader_can_be_informed(case: AdcefScenario) -> Iterator[Fault]:
    if case.has_plain_consumers:
        return
    allowed = "needs consumers without battery, shiftable_mwh and an agent of their own"
    if case.leader.kind == "full-information":
        yield Fault("leader.kind", case.leader.kind, allowed)
    if case.leader.certify:
        yield Fault("leader.certify", True, allowed)


def _leader_counts_carbon(case: AdcefScenario) -> Iterator[Fault]:
    if case.leader.searches and case.tariff.kind != "tou" and not case.dso.carbon_in_cost:
        allowed = f"must be true for a leader of kind {case.leader.kind} that trades carbon"
        yield Fault("dso.carbon_in_cost", False, allowed)


CROSS_CHECKS: tuple[CrossCheck, ...] = (
    (frozenset({"currency", "exchange_rates"}), rates_are_of_others),
    (frozenset({"consumers"}), _shares_sum_to_one),
    (frozenset({"consumers", "leader"}), _leader_can_be_informed),
    (frozenset({"dso", "leader", "tariff"}), _leader_counts_carbon),
    (frozenset(_NAMED), _names_are_unique),
    (frozenset({"gas_turbines", "storages", "renewables", "network"}), _sites_have_units),
    (frozenset({"network"}), _network_is_a_feeder),
    (frozenset({"network"}), _substation_is_in_band),
    (frozenset({"profiles", "period_h", "renewables", "start"}), profiles_fit),
)
"""Checks between sections, each with the sections that must be sound for it to make sense."""
