"""Certificates of sellers: what they asked, shared and opened with, by what they had heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pandas as pd

from gridarium.agents.prosumers.bargaining_rules import ConcessionRule, DeclaredNashRule
from gridarium.agents.prosumers.journal import Asked, Learnt, Opened, Share, Shared
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.environment.clock import MINUTE_S
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.prosumers.learned_curves import Knowledge
from gridarium.experiments.evidence.prosumers.offers_in_minutes import part_kept
from gridarium.experiments.evidence.prosumers.sharing_reference import Claimant, off_best_mwh, value_band
from gridarium.experiments.evidence.prosumers.worth_of_energy import wanted_mwh
from gridarium.experiments.parts.prosumers import all_exact, prosumers_of
from gridarium.experiments.parts.trading import active_trading, bargaining_rule, trade_rules
from gridarium.experiments.results.records import Reading

_PRICE, _ENERGY = 1e-6, 1e-9
_UNTOLD = 1.1e-3
"""Part of a share by which it may differ from the one that a buyer was told, and about that part of all."""


def shares(known: GridEvidence) -> Iterator[Reading]:
    """Shares of supplies, and prices that sellers have learned to ask; nothing without a record of them."""
    sellers = [one for one in known.of(Prosumer) if one.journal.entries]
    if active_trading(known.scenario) is None or not sellers:
        return
    rule, exact = bargaining_rule(known.scenario), all_exact(known.scenario)
    if isinstance(rule, ConcessionRule | DeclaredNashRule):
        found = [_Replay(known, seller, rule) for seller in sellers]
        yield Reading(
            "shares of supply", max(one.off_shares_mwh for one in found), _ENERGY, "MWh", exact,
            "most by which a buyer's share of a supply is beyond what makes the last MWh worth the same to "
            "all by the demands that the seller had heard of, or part of it is left unused",
        )  # fmt: skip
        yield Reading(
            "supplies shared", max(one.off_supply_mwh for one in found), _ENERGY, "MWh", exact,
            "largest difference of what a seller shared in a minute, and what it had nominated or the desk "
            "let it send",
        )  # fmt: skip
        yield Reading(
            "grants kept", max(one.off_granted_mwh for one in found), 1e-6, "MWh",
            exact and not (known.world.bus.lost or known.world.bus.refused),
            "largest difference of what a seller was to send in a period, and what buyers had declared to "
            "keep of its grants, or by which it is more than it had shared",
        )  # fmt: skip
    if isinstance(rule, DeclaredNashRule):
        yield Reading(
            "values of supply", max(one.off_values for one in found), _PRICE, "money/MWh", exact,
            "most by which the value that a seller told buyers of its last MWh is outside what demands make "
            "of a supply a little larger and a little smaller",
        )  # fmt: skip
    if isinstance(rule, ConcessionRule):
        yield Reading(
            "prices by answers", max(one.off_prices for one in found), _PRICE, "money/MWh", exact,
            "largest difference of a price that a seller asked or opened with, and the best one by the "
            "demand that goes through its buyer's answers so far (E11)",
        )  # fmt: skip


class _Replay:
    """All that a seller noted, entry by entry, beside what it should have made of it."""

    def __init__(
        self, known: GridEvidence, seller: Prosumer, rule: ConcessionRule | DeclaredNashRule
    ) -> None:
        name = known.grid.local(seller.name)
        own, rules = prosumers_of(known.scenario)[name].utility, trade_rules(known.scenario)
        self._low, self._high = rules.price_band_per_mwh
        self._rounds, self._rule, self._world = rules.rounds, rule, known.world
        self._fresh = partial(Knowledge, own.kind, own.unit_mwh, self._high)
        self._utilities = {one: section.utility for one, section in prosumers_of(known.scenario).items()}
        self._market = self._high if rules.served_otherwise else None
        self._local: Callable[[str], str] = known.grid.local
        # A buyer that has been let down wants less of what is worth less to it, as it declares.
        self._doubted = any(seller.name in one.reputation for one in known.of(Prosumer))
        self._of: dict[str, Knowledge] = {}
        told = known.tables["prosumers"]
        own_rows = told[told["agent"] == name]
        self._limit_mwh, self._surplus_mwh = (
            dict(zip(own_rows["period"], own_rows[column].astype(float), strict=True))
            for column in ("limit_mwh", "surplus_told_mwh")
        )
        self.off_prices = self.off_values = self.off_shares_mwh = self.off_supply_mwh = 0.0
        self._granted_mwh: dict[int, dict[str, float]] = {}
        for entry in seller.journal.entries:
            self._take(entry)
        self.off_granted_mwh = self._off_granted_mwh(known, own_rows)

    def _take(self, entry: Asked | Learnt | Opened | Shared) -> None:
        if isinstance(entry, Shared):
            self._check_shares(entry)
        elif isinstance(self._rule, ConcessionRule):
            mind = self._of.setdefault(entry.buyer, self._fresh())
            if isinstance(entry, Learnt):
                mind.learn(entry)
                return
            floor = max(entry.cost_per_mwh, self._low)
            if isinstance(entry, Asked):
                opening = mind.asked(entry.cost_per_mwh, floor)
                # In its last round it has conceded so much of the way to its cost.
                time = 2.0 * (self._rounds - 1) / (2.0 * self._rounds - 1.0)
                due = opening - time ** (1.0 / self._rule.concession_ep) * (opening - floor)
            else:
                due = mind.opened(entry.cost_per_mwh, floor, self._low, entry.volume_mwh)
            self.off_prices = max(self.off_prices, abs(entry.price_per_mwh - due))

    def _check_shares(self, entry: Shared) -> None:
        minutes = self._world.clock.period_s / MINUTE_S
        # An empty limit is none.
        due = float(np.fmin(self._limit_mwh[entry.period], self._surplus_mwh[entry.period]))
        self.off_supply_mwh = max(self.off_supply_mwh, abs(entry.supply_mwh - due / minutes))
        self._granted_mwh.setdefault(entry.period, {}).update(
            {one.buyer: one.volume_mwh / (1.0 - one.loss) for one in entry.shares}
        )
        claims = [(one, self._claim(one)) for one in entry.shares]
        left_out = [one.volume_mwh for one, claim in claims if claim is None]
        known = [(one.volume_mwh, claim) for one, claim in claims if claim is not None]
        volumes = [volume for volume, _ in known]
        off = off_best_mwh([claim for _, claim in known], entry.supply_mwh, volumes)
        self.off_shares_mwh = max(self.off_shares_mwh, off, *left_out, 0.0)
        if isinstance(self._rule, DeclaredNashRule):
            least, most = value_band([claim for _, claim in known], entry.supply_mwh)
            for one in entry.shares:
                value = (one.value_per_mwh - one.cost_per_mwh) * (1.0 - one.loss)
                self.off_values = max(self.off_values, least - value, value - most)

    def _off_granted_mwh(self, known: GridEvidence, own: pd.DataFrame) -> float:
        """What it said to be granted, against what buyers have kept of it, or beyond what it has shared."""
        minutes, worst = self._world.clock.period_s / MINUTE_S, 0.0
        told = dict(zip(own["period"], own["granted_mwh"].astype(float), strict=True))
        kept = rows_of(known.tables, "declarations", "prosumer")
        if isinstance(self._rule, DeclaredNashRule) and len(kept):
            kept = kept[kept["seller"] == own["agent"].iloc[0]]
            arrives = part_kept(known, kept["seller"], kept["agent"])
            sent = (kept["volume_mwh"] / arrives).groupby(kept["period"]).sum().to_dict()
            return float(max(abs(all_ - minutes * sent.get(period, 0.0)) for period, all_ in told.items()))
        for period, granted in told.items():
            shared = minutes * sum(self._granted_mwh.get(period, {}).values())
            worst = max(worst, granted - (1.0 + _UNTOLD) * shared)
        return worst

    def _claim(self, share: Share) -> Claimant | None:
        """What the seller knew of a buyer's demand; None where it knew none."""
        most = min(share.bid.volume_mwh, share.line_mwh)
        if isinstance(self._rule, DeclaredNashRule):
            wanted: Callable[[float], float]
            wanted = partial(wanted_mwh, self._utilities[self._local(share.buyer)], self._market)
            if self._doubted and share.bid.utility is not None:
                wanted = share.bid.utility.demand
            demand = partial(self._unless_kept_mwh, share, wanted)
            return Claimant(demand, share.cost_per_mwh, share.loss, share.line_mwh)
        curve = self._of.setdefault(share.buyer, self._fresh()).curve
        if curve is None and share.bid.volume_mwh > 0.0:
            curve = self._fresh().through([(share.asked_per_mwh, share.bid.volume_mwh)])
        if curve is None:
            return None
        return Claimant(curve.demand_mwh, share.cost_per_mwh, share.loss, most)

    @staticmethod
    def _unless_kept_mwh(share: Share, wanted_mwh: Callable[[float], float], price: float) -> float:
        """What a buyer wants at a price within its need, less what it would not leave others for."""
        kept = sum(held for left_at, held in share.bid.leaves if left_at < price)
        return min(wanted_mwh(price), share.bid.volume_mwh) - kept
