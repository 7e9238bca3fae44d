"""Certificate of a desk's introductions: who is named to a seller, the one of the least fee first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gridarium.agents.prosumers.p2p_desk import P2pDesk
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.environment.clock import day_length
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.prosumers.pool import lease_terms, line_fee_per_mwh, line_km
from gridarium.experiments.parts.trading import active_trading
from gridarium.experiments.results.records import Reading
from gridarium.market.messages.leasing import Introduction

_TINY_MWH = 1e-9


def introductions(known: GridEvidence) -> Iterator[Reading]:
    """Names in introductions; nothing where a desk chooses among many, or trusts some less than others."""
    desks, trading, bus = known.of(P2pDesk), active_trading(known.scenario), known.world.bus
    agents = known.of(Prosumer)
    if not desks or trading is None or len(agents) > trading.partners:
        return
    (desk,) = desks
    if bus.lost or bus.refused or desk.reputation or not bus.intrusions().empty:
        return
    told = [one for one, _ in bus.words if one.sender == desk.name and isinstance(one.payload, Introduction)]
    if told:
        wrong = sum(_is_wrong(known, one.recipient, one.payload) for one in told)
        yield Reading(
            "introductions", float(wrong), 0.0, "", True,
            "introductions that do not name all who had nominated a need, the one of the least fee first, or "
            "that name some to a seller that may send nothing (E7)",
            f"{len(told):,} introductions",
        )  # fmt: skip


def _is_wrong(known: GridEvidence, seller: str, told: Introduction) -> bool:
    needs = _needs_mwh(known, told.period)
    own = known.grid.local(seller)
    day = told.period // day_length(known.world.n_period, known.world.clock.period_s)
    terms = lease_terms(known).get(day)
    if terms is None:
        return False
    fees = {
        known.grid.named(name): line_fee_per_mwh(terms, line_km(known, own, name))
        for name, mwh in needs.items()
        if mwh > _TINY_MWH and name != own
    }
    due = sorted(fees, key=lambda name: (fees[name], name)) if told.limit_mw > 0.0 else []
    return list(told.buyers) != due


def _needs_mwh(known: GridEvidence, period: int) -> Mapping[str, float]:
    """What each had nominated for a period, charging included."""
    rows = known.tables["prosumers"]
    of_period = rows[rows["period"] == period]
    needs = (of_period["deficit_told_mwh"] + of_period["charging_told_mwh"]).astype(float)
    return dict(zip(of_period["agent"].astype(str), needs, strict=True))
