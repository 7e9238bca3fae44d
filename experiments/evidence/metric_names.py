"""Which metrics a scenario can have, known before it runs: what each function of `metrics` may yield.

A test holds the names here against those in the functions, and against what scenarios have measured.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Tree = Mapping[str, Any]


class Declared(NamedTuple):
    """What a function may yield.

    Parameters
    ----------
    names : str
        Metrics, apart by spaces; `{who}` stands for somebody that the scenario names, `{count}` for a number.
    needs : str
        Sections of a grid of which one must be there, apart by spaces; none if every grid may have it.
    """

    names: str
    needs: str = ""


DECLARED: Mapping[str, Declared] = {
    "dso_money": Declared(
        "dso_net_revenue_money sales_money served_sales_money purchase_money turbine_cost_money "
        "carbon_revenue_money curtailment_compensation_money",
        "dso",
    ),
    "consumer_money": Declared("user_cost_money user_surplus_money load_curtailment_cost_money", "consumers"),
    "surcharge": Declared("surcharge_money", "dso"),
    "storage_owners": Declared(
        "storage_income_money storage_compensation_money storage_redispatched_mwh", "storages storage_pool"
    ),
    "equal_schedules": Declared(
        "equal_schedules_least_emission_tco2 equal_schedules_most_emission_tco2 "
        "equal_schedules_least_cost_money equal_schedules_most_cost_money",
        "dso",
    ),
    "feeder_carbon": Declared(
        "emission_tco2 allocated_tco2 negative_credit_tco2 pool_first_tco2 pool_last_tco2 "
        "credit_formula_tco2 credit_grid_factor_tco2 credit_avoided_tco2 factor_adjustment_max_tco2_per_mwh",
        "dso",
    ),
    "consumer_energy": Declared("load_mwh shifted_mwh peak_load_mw", "consumers"),
    "forecast_errors": Declared("{who}_mape_share {who}_rmse_mw forecast_error_rmse_mw", "consumers"),
    "feeder_energy": Declared(
        "import_mwh renewable_used_mwh curtailed_mwh renewable_used_share loss_mwh", "network ties"
    ),
    "network": Declared("voltage_min_pu voltage_max_pu loading_max", "network"),
    "negotiation": Declared("rounds price_residual_per_mwh", "dso"),
    "pool_shares": Declared(
        "pool_shares_money pool_operator_share_money pool_announcement_error_money pool_member_days_{who} "
        "pool_share_{who}_money",
        "storage_pool",
    ),
    "pool_formation": Declared(
        "pool_period_days pool_rests_from_day pool_changes pool_members_at_the_end pool_group_exits",
        "storage_pool",
    ),
    "pool_stability": Declared(
        "pool_value_of_all_money pool_least_core_money pool_core_violation_money "
        "pool_{who}_value_of_all_money pool_{who}_least_core_money pool_{who}_core_violation_money",
        "storage_pool regions",
    ),
    "pool_splits": Declared(
        "pool_owen_distance_k{count}_share pool_capacity_distance_k{count}_share "
        "pool_{who}_owen_distance_k{count}_share pool_{who}_capacity_distance_k{count}_share",
        "storage_pool regions",
    ),
    "storage_use": Declared("storage_utilisation_share", "storage_pool"),
    "record_checks": Declared("records_proven_share records_verified_share"),
    "failovers": Declared(
        "failovers outages_without_standby failover_longest_s failover_polled_mean_s "
        "failover_polled_longest_s",
        "edge incidents",
    ),
    "excursions": Declared(
        "voltage_excursions voltage_excursions_corrected voltage_excursion_longest_s", "edge incidents"
    ),
    "edge_queue": Declared("edge_frames edge_refused_frames edge_delay_longest_s edge_delay_bound_s", "edge"),
    "system_cost": Declared(
        "total_cost_money fuel_money start_stop_money carbon_trading_money demand_response_money "
        "storage_compensation_money p2p_cost_money real_time_money emission_tco2 emission_gross_tco2",
        "operator",
    ),
    "system_energy": Declared(
        "thermal_mwh storage_discharged_mwh real_time_mwh spilled_mwh deviation_mwh deviation_left_mwh "
        "replans wind_used_percent",
        "operator",
    ),
    "perfect_information": Declared("perfect_information_gap_percent", "operator"),
    "day_ahead_market": Declared(
        "units_day_ahead_money units_imbalance_money wind_day_ahead_money wind_imbalance_money "
        "loads_day_ahead_money loads_imbalance_money",
        "day_ahead_market",
    ),
    "provider": Declared(
        "esp_profit_money esp_line_fees_money esp_energy_margin_money esp_compensation_money "
        "esp_degradation_money",
        "provider",
    ),
    "prosumers": Declared("{who}_profit_money {who}_utility_money", "prosumers"),
    "pool": Declared(
        "p2p_mwh p2p_price_per_mwh p2p_fees_money p2p_welfare_money p2p_efficiency_percent "
        "p2p_undelivered_mwh p2p_of_defaulters_mwh pool_called_mwh pool_delivered_mwh pool_short_mwh "
        "pool_short_money pool_paid_money p2p_trading_h",
        "prosumers",
    ),
    "ties_cost": Declared(
        "ties_cost_money fuel_money start_stop_money wear_money balancing_money own_carbon_money "
        "services_money retail_money ties_net_money resource_cost_money social_cost_money",
        "ties",
    ),
    "called_services": Declared("called_charge_mwh called_discharge_mwh called_pool_mwh", "ties"),
    "bulk_carbon": Declared(
        "captured_tco2 emission_tco2 intensity_tco2_per_mwh carbon_paid_money charges_per_tonne", "ties"
    ),
    "regions": Declared(
        "peak_valley_mw load_mwh base_peak_valley_mw base_load_mwh loss_share regions_cost_money "
        "regions_carbon_money regions_carbon_share satisfaction",
        "regions",
    ),
    "fairness": Declared(
        "gini_cost_per_mwh jain_carbon_per_tonne gini_carbon_per_tonne carbon_share_gap jain_cost_per_tonne "
        "gini_cost_per_tonne cost_share_gap envy_money",
        "regions",
    ),
    "bulk_negotiation": Declared(
        "rounds most_rounds round_messages subsystem_solves at_rest_share revisions renewals price_level "
        "interaction",
        "ties",
    ),
    "game_gaps": Declared(
        "gap_social_percent gap_stackelberg_percent gap_nash_percent gap_social_of_saving_percent "
        "starts_at_rest starts_spread best_response_radius",
        "ties",
    ),
    "exchange_gaps": Declared(
        "gap_social_percent gap_social_of_saving_percent gap_social_of_saving_at_most_percent", "ties"
    ),
    "central_bound": Declared(
        "central_outcome_money central_bound_money central_gap_percent central_supply_gap_percent", "ties"
    ),
    "bills": Declared(
        "vpp_purchase_money vpp_sales_money environmental_money vpp_cost_money vpp_wear_money vpp_idle_money "
        "vpp_benchmark_money vpp_saving_money green_payment_per_mwh lcr_vpp_share lcr_system_share lcr_share "
        "lcr_idle_share plant_{who}_cost_money plant_{who}_environmental_money",
        "vpps",
    ),
    "green_energy": Declared(
        "green_discharged_mwh green_discharged_{who}_mwh plant_{who}_green_discharged_mwh avoided_tco2",
        "vpps",
    ),
    "actions": Declared("charge_actions charge_runs discharge_actions discharge_runs", "vpps"),
    "green_certificates": Declared("certified_mwh cancelled_mwh", "vpps"),
    "plan_gaps": Declared(
        "plan_gap_money plan_gap_share label_overstated_mwh label_overstated_money "
        "label_overstated_of_saving_share",
        "vpps",
    ),
    "heads": Declared("head_import_mwh head_export_mwh head_carbon_tco2 head_carbon_told_tco2"),
}
"""By the name of the function."""

OF_WORLD = Declared(
    "world_emission_tco2 world_social_cost_money world_resource_cost_money world_user_cost_money "
    "world_curtailed_mwh"
)
"""Of a world of several grids."""
OF_BUS = Declared("messages intrusions_acted intrusions_refused intrusions_carried")
"""Of any world as a whole."""


def possible_metrics(tree: Tree) -> list[str]:
    """Return every metric that a case may have, with `{who}` and `{count}` in it.

    Parameters
    ----------
    tree : mapping
        A resolved case.
    """
    grids: Mapping[str, Tree] = tree.get("grids") or {"": tree}
    found = [*OF_BUS.names.split(), *(OF_WORLD.names.split() if "grids" in tree else ())]
    for name, grid in grids.items():
        prefix = f"{name}." if name else ""
        for declared in DECLARED.values():
            needs = declared.needs.split()
            if not needs or any(grid.get(section) for section in needs):
                found += [f"{prefix}{each}" for each in declared.names.split()]
    return list(dict.fromkeys(found))


def names_in(tree: object) -> Iterator[str]:
    """Yield the names of units, agents and regions of a scenario: keys of its mappings, texts in lists."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield str(key)
            yield from names_in(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from [value] if isinstance(value, str) else names_in(value)


def is_metric(name: str, possible: Iterable[str], named: Iterable[str]) -> bool:
    """Tell whether a name is one of the metrics that may be measured.

    Parameters
    ----------
    name : str
    possible : iterable of str
        As `possible_metrics` returns them.
    named : iterable of str
        Who `{who}` may stand for, alone or with more behind: several agents of one name are numbered.
    """
    known = {each.replace("-", "_") for each in named}
    for each in possible:
        if "{" not in each:
            if name == each:
                return True
            continue
        met = re.fullmatch(_form(each), name)
        if met and all(_is_known(who.replace("-", "_"), known) for who in met.groups()):
            return True
    return False


def _is_known(who: str, known: set[str]) -> bool:
    return any(who == each or who.startswith(f"{each}_") for each in known)


def declared_names() -> list[str]:
    """Return every metric of any scenario, without those with a name or a number in them."""
    found = [each for one in (*DECLARED.values(), OF_WORLD, OF_BUS) for each in one.names.split()]
    return [each for each in dict.fromkeys(found) if "{" not in each]


def is_declared(name: str) -> bool:
    """Tell whether any scenario may have a metric, alone or as that of a grid."""
    own = name.rpartition(".")[2]
    found = [each for one in (*DECLARED.values(), OF_WORLD, OF_BUS) for each in one.names.split()]
    return own in found or any(re.fullmatch(_form(each), own) for each in found if "{" in each)


def _form(declared: str) -> str:
    """A pattern of the names that a declared one stands for."""
    return re.escape(declared).replace(r"\{who\}", r"([\w-]+)").replace(r"\{count\}", r"\d+")


def hint(name: str, possible: Sequence[str]) -> str:
    """Return what to say of a name that is no metric: a close one, where it is measured, or nothing.

    Parameters
    ----------
    name : str
    possible : sequence of str
        As `possible_metrics` returns them.
    """
    plain = [each for each in possible if "{" not in each]
    own = name.rpartition(".")[2]
    needs = [one.needs for one in DECLARED.values() if own in one.names.split()]
    elsewhere = [each for each in plain if each.rpartition(".")[2] == own]
    if any(needs) and not elsewhere:
        sections = " or ".join(dict.fromkeys(each for one in needs for each in one.split()))
        return f"; only a grid with {sections} has it"
    close = elsewhere or difflib.get_close_matches(name, plain, n=1)
    return f"; did you mean {' or '.join(close[:3])}?" if close else ""
