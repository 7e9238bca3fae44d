"""All certificates of a case: how far its grids are from physics, balance, equilibrium and optimum."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from gridarium.environment.errors import LedgerError
from gridarium.environment.hash_chain import AppendOnly, first_break
from gridarium.environment.ledger_tables import LINKS
from gridarium.environment.world import World
from gridarium.experiments.evidence.feeder import (
    account_certificates,
    bus_certificates,
    carbon_certificates,
    edge_certificates,
    elastic_certificates,
    equilibrium_certificates,
    feeder_certificates,
    follower_conditions,
    nodal_certificates,
    offer_certificates,
    outage_certificates,
    service_certificates,
    signal_certificates,
    terms_certificates,
    value_certificates,
    voltage_certificates,
)
from gridarium.experiments.evidence.grid_evidence import GridEvidence, Tables, evidence_of
from gridarium.experiments.evidence.guarded import STRICT, Steps
from gridarium.experiments.evidence.leader import leader_certificates, tied_certificates
from gridarium.experiments.evidence.plans import dispatch_certificates
from gridarium.experiments.evidence.prosumers import (
    bargain_certificates,
    concession_certificates,
    deal_certificates,
    desk_certificates,
    introduction_certificates,
    matching_certificates,
    pool_certificates,
    prosumer_certificates,
    prosumer_day_certificates,
    prosumer_money_certificates,
    purchase_certificates,
    refusal_certificates,
    round_certificates,
    sharing_certificates,
)
from gridarium.experiments.evidence.region import region_certificates, region_money_certificates
from gridarium.experiments.evidence.seeded_draws import streams_by_name
from gridarium.experiments.evidence.storage import (
    coalition_certificates,
    coalition_value_certificates,
    membership_certificates,
    owner_certificates,
    share_certificates,
    storage_carbon_certificates,
)
from gridarium.experiments.evidence.system import (
    day_ahead_certificates,
    declared_certificates,
    device_certificates,
    lease_certificates,
    outcome_certificates,
    outlook_certificates,
    quarter_certificates,
    rest_certificates,
    system_certificates,
)
from gridarium.experiments.evidence.transmission import (
    abatement_certificates,
    bulk_certificates,
    carbon_price_certificates,
    commitment_certificates,
    exchange_certificates,
    hedge_certificates,
    plan_certificates,
    plan_totals,
    step_certificates,
    told_tables,
)
from gridarium.experiments.evidence.vpp import (
    price_certificates,
    pull_certificates,
    told_certificates,
    vpp_certificates,
    vpp_label_certificates,
    vpp_regret,
)
from gridarium.experiments.evidence.world import (
    balance_certificates,
    benchmark_costs,
    carbon_charges,
    carbon_credits,
    intrusion_evidence,
    network_file,
    place_certificates,
    plant_values,
    record_evidence,
    report_certificates,
    seam_certificates,
    told_twice,
)
from gridarium.experiments.evidence.world.disturbances import judged
from gridarium.experiments.parts.part import GridScenario
from gridarium.experiments.results.records import Certificate, Reading


def ledger_chain(world: World, tables: Tables) -> Iterator[Reading]:
    """Whether anybody has tampered with the entries of a ledger, in the world or in its table."""
    yield Reading(
        "ledger chain", float(sum(_is_broken(name, one, tables) for name, one in world.ledgers.items())),
        0.0, "", True,
        "ledgers of which an entry was altered, inserted, removed or moved after it was booked, in the world "
        "or in their table", is_invariant=True,
    )  # fmt: skip


def _is_broken(name: str, ledger: AppendOnly, tables: Tables) -> bool:
    """Whether a ledger does not follow from its hashes, or its table does not end in its head."""
    try:
        ledger.verify()
        links = LINKS[name](tables[name]) if name in tables else []
    except (LedgerError, KeyError, TypeError, ValueError):
        return True
    if first_break(links, name, len(ledger)) is not None:
        return True
    return bool(links) and links[-1].hash.hex() != ledger.head


CERTIFICATES: tuple[Callable[[GridEvidence], Iterable[Reading]], ...] = (
    network_file.network_of_file,
    balance_certificates.energy_balance,
    pool_certificates.prosumers,
    prosumer_certificates.own_things,
    prosumer_day_certificates.own_days,
    prosumer_money_certificates.gains,
    balance_certificates.storage_of_feeder,
    balance_certificates.storage_of_provider,
    carbon_certificates.dso_carbon,
    carbon_certificates.credit,
    terms_certificates.terms,
    terms_certificates.plans_told,
    terms_certificates.available,
    signal_certificates.signals,
    offer_certificates.tariffs,
    offer_certificates.system_signals,
    account_certificates.wear,
    account_certificates.carbon,
    account_certificates.budgets,
    account_certificates.credits,
    system_certificates.units,
    system_certificates.operation,
    system_certificates.flexible_loads,
    system_certificates.tanks,
    system_certificates.stacks,
    system_certificates.absorbers,
    balance_certificates.carbon_flow,
    system_certificates.perfect_information,
    benchmark_costs.cost_of_perfect_information,
    quarter_certificates.quarters,
    outcome_certificates.outcomes,
    outlook_certificates.outlooks,
    lease_certificates.earnings,
    rest_certificates.rest_of_days,
    report_certificates.reports,
    day_ahead_certificates.settlements,
    declared_certificates.declared,
    device_certificates.devices,
    declared_certificates.proven_benchmark,
    balance_certificates.money,
    balance_certificates.payments_in_time,
    feeder_certificates.budget,
    feeder_certificates.served_sales,
    feeder_certificates.network,
    bus_certificates.buses,
    voltage_certificates.tap_changer,
    voltage_certificates.active_network,
    edge_certificates.edge,
    outage_certificates.departures,
    dispatch_certificates.planned_dispatch,
    dispatch_certificates.best_plans,
    dispatch_certificates.feeder_commitment,
    feeder_certificates.commitment,
    feeder_certificates.dispatch_optimality,
    coalition_certificates.pool_money,
    coalition_value_certificates.values,
    share_certificates.shares,
    membership_certificates.fitness,
    membership_certificates.announcements,
    membership_certificates.choices,
    coalition_certificates.stability,
    storage_carbon_certificates.stored_carbon,
    owner_certificates.schedules,
    owner_certificates.payments,
    owner_certificates.equal_rules,
    record_evidence.owners_proofs,
    hedge_certificates.hedges,
    pool_certificates.trades,
    prosumer_certificates.lines,
    pool_certificates.welfare,
    matching_certificates.best_matching,
    purchase_certificates.purchases,
    concession_certificates.concessions,
    bargain_certificates.bargains,
    refusal_certificates.refusals,
    sharing_certificates.shares,
    deal_certificates.deals,
    round_certificates.rounds,
    desk_certificates.desk,
    introduction_certificates.introductions,
    equilibrium_certificates.followers,
    follower_conditions.conditions,
    elastic_certificates.responses,
    value_certificates.values,
    nodal_certificates.nodal_carbon,
    nodal_certificates.fixed_point,
    equilibrium_certificates.convergence,
    leader_certificates.leader,
    tied_certificates.tied_leader,
    bulk_certificates.commitment,
    commitment_certificates.system_commitment,
    bulk_certificates.network,
    plan_certificates.plan_in_force,
    plan_certificates.orders,
    plan_totals.totals,
    told_tables.system_told,
    bulk_certificates.storages,
    bulk_certificates.own_carbon,
    bulk_certificates.cap,
    bulk_certificates.negotiations,
    region_certificates.bills,
    region_certificates.personal_carbon,
    abatement_certificates.abatement,
    carbon_price_certificates.personal_prices,
    region_certificates.responsibilities,
    region_certificates.choices,
    region_money_certificates.users,
    vpp_certificates.energy,
    vpp_certificates.money,
    vpp_certificates.nodal_prices,
    price_certificates.regional_prices,
    price_certificates.regional_carbon,
    vpp_certificates.rest,
    vpp_certificates.carbon,
    vpp_certificates.certificates,
    told_certificates.told_days,
    pull_certificates.pulls,
    plant_values.worths,
    vpp_label_certificates.labels,
    vpp_label_certificates.plans,
    vpp_regret.regret,
    place_certificates.labels,
    place_certificates.heads,
    told_twice.numbers,
    seam_certificates.seam_energy,
    seam_certificates.seam_carbon,
    seam_certificates.head_paid_once,
    service_certificates.services,
    service_certificates.savings,
    exchange_certificates.head_ladders,
    exchange_certificates.exchange,
    step_certificates.supply_steps,
    exchange_certificates.gap,
    exchange_certificates.central,
)
"""Each from what is known of one grid; none where that has no such part."""

SLOW_AND_SOFT = frozenset(
    {
        vpp_regret.regret,
        dispatch_certificates.best_plans,
        dispatch_certificates.feeder_commitment,
        commitment_certificates.system_commitment,
        abatement_certificates.abatement,
        step_certificates.supply_steps,
    }
)
"""Those of them that fail no run and take about as long as all others: a sweep leaves them out."""


def certify(
    case: str,
    world: World,
    sections: Mapping[str, GridScenario],
    tables: Tables,
    currency: str,
    *,
    quick: bool = False,
    steps: Steps = STRICT,
) -> list[Certificate]:
    """All certificates of one case; those of a grid with a name carry it.

    Parameters
    ----------
    case : str
    world : World
        After its last period.
    sections : mapping of str to GridScenario
        The section of the scenario for each grid, by its name.
    tables : mapping of str to DataFrame
        Of this case alone.
    currency : str
        Code of the currency.
    quick : bool
        Without those that are slow and soft.
    steps : Steps, optional
        Takes one certificate after the other.
    """
    chosen = [one for one in CERTIFICATES if not (quick and one in SLOW_AND_SOFT)]
    found: list[Certificate] = []
    for grid in world.grids:
        known = evidence_of(case, grid, sections, tables)
        readings = [
            reading
            for of_grid in chosen
            for reading in steps.all_of(f"certificate {of_grid.__name__}", partial(of_grid, known))
        ]
        certificates = [reading.certificate(case, currency) for reading in readings]
        found += [one.of_grid(grid.name) for one in certificates] if grid.name else certificates
    of_world = (
        partial(ledger_chain, world, tables),
        partial(seam_certificates.carbon_of_tree, world),
        partial(seam_certificates.payments_between_levels, world, tables),
        partial(carbon_charges.charged_once, tables, world.period_h, carbon_charges.asks_twice(sections)),
        partial(carbon_credits.credited_once, tables, world.period_h),
        partial(intrusion_evidence.forged_messages, world),
        partial(streams_by_name, world),
    )
    for one in of_world:
        readings = steps.all_of(f"certificate {one.func.__name__}", one)
        found += [reading.certificate(case, currency) for reading in readings]
    return list(judged(found, tables))
