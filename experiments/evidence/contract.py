"""The contract of the tables: their columns with units, what a row is, and who tells it.

All tables begin with the column case. Rows that an agent tells go on with grid, agent and kind: the grid it
stands on ("" in a world of one grid), its name within that grid, and what it is; rows that a grid tells of
itself go on with grid alone. A table by period has columns period (from 0) and time (when it starts). What
agents of one kind do not tell is nan, or no text, in their rows. A table that nobody told anything for does
not exist: readers ask ``tables.get``. Agents of other packages may tell further columns and tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Table:
    """A table of results.

    Parameters
    ----------
    name : str
    rows : str
        What a row is.
    told_by : str
        Kinds of agents that tell it; "grid" or "world" for what these know themselves.
    by : {"agent", "grid", "world"}
        Whose columns it begins with after case: grid, agent, kind; grid; or none.
    is_by_period : bool
        Whether period and time follow.
    columns : mapping of str to str
        Unit, in brackets where it has one, and meaning of each further column.
    """

    name: str
    rows: str
    told_by: str
    by: Literal["agent", "grid", "world"]
    is_by_period: bool
    columns: Mapping[str, str]

    @property
    def all_columns(self) -> tuple[str, ...]:
        """Every column, in order."""
        first = {"agent": ("grid", "agent", "kind"), "grid": ("grid",), "world": ()}[self.by]
        when = ("period", "time") if self.is_by_period else ()
        return ("case", *first, *when, *self.columns)


_SIGNALS = Table(
    "signals",
    "what an agent posted and was told for a period",
    "dso, operator, market",
    "agent",
    True,
    {
        "price_per_mwh": "posted: the tariff, the marginal price, the price of the market",
        "tou_price_per_mwh": "the tariff without any adjustment (dso)",
        "wholesale_price_per_mwh": "asked by the supplier: as told (operator), as used in the plan (dso)",
        "factor_tco2_per_mwh": "carbon factor that is settled (dso), or told (market)",
        "factor_planned_tco2_per_mwh": "carbon factor before it was trued up (dso)",
        "system_factor_tco2_per_mwh": "emission over supply as planned (dso)",
        "negative_factor_tco2_per_mwh": "what a surplus takes off the factor (dso)",
        "grid_factor_tco2_per_mwh": "told by the supplier of the head, as used in the plan (dso)",
        "surplus_mw": "renewable power beyond the load (dso)",
        "p_nominated_mw": "taken through the head as planned (dso), as heard (market; nan where not told)",
        "p_load_plan_mw": "load that the final plan counts with (dso)",
        "price_below_per_mwh": "told to operators of grids below, or of the grid itself (market)",
        "export_price_below_per_mwh": "paid for what they feed back",
    },
)
_ROUNDS = Table(
    "rounds",
    "a round of a negotiation",
    "dso",
    "agent",
    False,
    {
        "day": "from 0",
        "round": "of the day, from 1",
        "time_s": "[s] simulated time at its end",
        "price_change_per_mwh": "distance of the posted price from the one that the answers call for",
        "load_change_mw": "largest change of the load since the round before",
        "replies": "answers received",
        "missing": "followers that stayed silent",
        "cut_rounds": "rounds of the leader's cone solver",
        "profit_money": "what the leader would earn with these answers; nan where they were not dispatched",
        "ended": "why the negotiation ended; no text before its last round",
    },
)
_DAYS = Table(
    "days",
    "a day of a leader",
    "dso",
    "agent",
    False,
    {
        "day": "from 0",
        "rounds": "number of the last round",
        "ended": "why it was the last one",
        "price_distance_per_mwh": "final price against the one that the final answers call for",
        "cone_gap_pu": "[p.u.] largest |P^2 + Q^2 - l v| of a branch in the plan, on a base of 1 MVA",
        "pool_first_tco2": "in all virtual carbon pools as the day begins",
        "budget_excess_money": "discounts beyond the carbon revenue; negative where revenue is left",
        "surprise_mw": "largest distance of a last answer from the one foreseen; nan where none was",
        "largest_base_mw": "of a single follower; nan where no answers were foreseen",
        "contradictions": "answers that contradicted earlier ones",
    },
)
_DISPATCH = Table(
    "dispatch",
    "what an agent supplies and draws in a period; also of what is none: the head (kind head), grids below "
    "(grid_below) and gas turbines (gas_turbine)",
    "everybody who stands on the grid; grid",
    "agent",
    True,
    {
        "bus": "label of the bus; no text for what is spread over many",
        "p_supply_mw": "fed in",
        "p_demand_mw": "drawn",
        "q_mvar": "reactive power fed in; negative where drawn",
        "p_available_mw": "what could have been fed in (renewable, wind)",
        "e_mwh": "stored at the end of the period (storage, storage_provider)",
    },
)
_LOADS = Table(
    "loads",
    "a load in a period, before and after its response",
    "consumer, load, flexible_load",
    "agent",
    True,
    {
        "group": "class of a consumer",
        "p_base_mw": "without any response, as foreseen",
        "p_plan_mw": "as planned or commanded",
        "p_metered_mw": "as drawn",
    },
)
_STORAGES = Table(
    "storages",
    "a storage in a period; contents at its end",
    "storage, storage_provider",
    "agent",
    True,
    {
        "p_charge_mw": "at the terminals",
        "p_discharge_mw": "at the terminals",
        "e_mwh": "stored",
        "pool_tco2": "in the virtual carbon pool (storage)",
        "carbon_tco2": "that the stored energy carries (storage)",
    },
)
_UNITS = Table(
    "units",
    "a thermal unit with its capture plant in a period",
    "thermal",
    "agent",
    True,
    {
        "on": "1 where it runs",
        "gross_mw": "generated",
        "net_mw": "supplied, after capture",
        "absorbed_tco2_per_h": "from flue gas into the solvent",
        "regenerated_tco2_per_h": "out of the solvent",
        "tank_tco2": "in the solvent tank at the end",
        "emission_gross_tco2_per_h": "before capture",
    },
)
_QUARTERS = Table(
    "quarters",
    "what a system operator saw, decided and counted in a period",
    "operator",
    "agent",
    True,
    {
        "deviation_mw": "surplus under the plan that stood before (E18)",
        "perceived_mw": "the same as perceived",
        "fired": "whether it planned anew",
        "left_mw": "surplus or deficit that remained after its decision",
        "called_mw": "deficit left to the pool",
        "available_wind_mw": "of all wind farms",
        "load_mw": "to be served",
        "price_per_mwh": "announced",
        "silent": "reports that did not come in time",
        "reserve_up_short_mw": "missing upward reserve",
        "reserve_down_short_mw": "missing downward reserve",
        "start_stop_money": "cost of what was realised, by part",
        "fuel_money": "",
        "carbon_money": "",
        "compensation_money": "",
        "wear_money": "",
        "line_fee_money": "",
        "market_money": "",
        "shortage_money": "penalty on missing reserve; nobody pays it",
    },
)
_CARBON = Table(
    "carbon",
    "carbon that an agent answers for in a period",
    "dso, thermal",
    "agent",
    True,
    {
        "emission_grid_tco2": "of what came through the head (dso)",
        "emission_gas_tco2": "of gas turbines (dso)",
        "allocated_tco2": "to loads, by the settled factor (dso)",
        "pool_in_tco2": "into the virtual pools (dso)",
        "pool_out_tco2": "out of the virtual pools (dso)",
        "credit_tco2": "for a surplus (dso)",
        "quota_tco2": "allowed for the load (dso)",
        "emission_gross_tco2": "before capture (thermal)",
        "absorbed_tco2": "from flue gas (thermal)",
        "regenerated_tco2": "out of the solvent (thermal)",
        "tank_tco2": "in the solvent tank at the end (thermal)",
        "emission_net_tco2": "gross less absorbed (thermal)",
        "allowance_tco2": "free for the gross generation (thermal)",
        "trading_money": "cost of carbon trading; negative where allowances are sold (thermal)",
    },
)
_PROSUMERS = Table(
    "prosumers",
    "a prosumer in a period",
    "prosumer",
    "agent",
    True,
    {
        "surplus_mwh": "of panels over load, in the minutes that have one",
        "deficit_mwh": "of load over panels, in the minutes that have one",
        "sold_mwh": "sent to others",
        "received_mwh": "from others",
        "charged_mwh": "into the battery",
        "discharged_mwh": "out of the battery",
        "drawn_mwh": "served by the system",
        "spilled_mwh": "of no use",
        "e_mwh": "in the battery at the end",
        "income_money": "for energy sold",
        "fees_money": "paid for lines",
        "payments_money": "for energy received",
        "value_money": "of energy received, over being served by the system (E9)",
    },
)
_POOL = Table(
    "pool",
    "all prosumers of a grid together in a period",
    "grid",
    "grid",
    True,
    {
        "surplus_mwh": "that could be sold",
        "need_mwh": "that could be served by others",
        "traded_mwh": "delivered",
        "payments_money": "for energy",
        "fees_money": "for lines",
        "price_per_mwh": "mean; nan where nothing was traded",
        "welfare_money": "value less line fees and the sellers' reservation",
        "welfare_bound_money": "the same of the best matching of every minute",
    },
)
_TRADES = Table(
    "trades",
    "energy that changed hands in a period, or in a minute (p2p): time is then the minute's",
    "dso, operator; grid (p2p, under the seller)",
    "agent",
    True,
    {
        "product": "retail, import, export or p2p",
        "seller": "agent, or counterparty in full",
        "buyer": "agent, or counterparty in full",
        "volume_mwh": "delivered",
        "price_per_mwh": "",
        "contracted_mwh": "agreed at the buyer's end (p2p)",
        "sent_mwh": "put on the line (p2p)",
        "delivered_mwh": "arrived (p2p)",
        "fee_money": "for the line (p2p)",
        "outcome": "delivered, short, default or outage (p2p)",
    },
)
_LEASES = Table(
    "leases",
    "a day of a provider of storage and lines",
    "storage_provider",
    "agent",
    False,
    {
        "day": "from 0",
        "base_fee_per_km_mwh": "of the first interval; nan where no terms were sent",
        "interval_km": "of the ladder",
        "growth": "of the fee from one interval to the next, as a share",
        "line_fees_money": "earned",
        "energy_margin_money": "earned: energy sold less energy bought",
        "compensation_money": "earned: for wear",
        "degradation_money": "what wear cost, negative",
    },
)
_BENCHMARKS = Table(
    "benchmarks",
    "the day of a grid's system under perfect information; none where it was not asked for",
    "grid",
    "grid",
    False,
    {
        "cost_money": "of the best plan found",
        "bound_money": "that no policy undercuts",
        "gap": "of the two, as a share",
        "is_proven": "whether the search came to its end",
    },
)
_BUSES = Table(
    "buses",
    "a bus in a period, by AC power flow",
    "grid; dso (vm_dispatch_pu)",
    "grid",
    True,
    {
        "bus": "label",
        "vm_pu": "[p.u.] voltage",
        "va_degree": "[degree] its angle",
        "p_source_mw": "fed in by agents",
        "p_load_mw": "drawn by loads",
        "p_charge_mw": "drawn by storages",
        "p_below_mw": "taken by grids below; negative where they feed back",
        "carbon_intensity_tco2_per_mwh": "of the power that arrives; nan where none does",
        "x": "place on a map",
        "y": "place on a map",
        "vm_dispatch_pu": "[p.u.] voltage of the plan",
    },
)
_BRANCHES = Table(
    "branches",
    "a branch in a period, by AC power flow",
    "grid; dso (i_dispatch_pu)",
    "grid",
    True,
    {
        "branch": "label",
        "from_bus": "label of the bus nearer to the head",
        "to_bus": "label of the other",
        "p_from_mw": "in at its start",
        "q_from_mvar": "in at its start",
        "p_to_mw": "out at its end",
        "q_to_mvar": "out at its end",
        "i_pu": "[p.u.] series current",
        "loading": "current over rating; nan without a rating",
        "i_dispatch_pu": "[p.u.] current of the plan",
    },
)
_HEADS = Table(
    "heads",
    "what passed the head of a grid in a period; power and carbon of one of its replicas",
    "dso, operator",
    "agent",
    True,
    {
        "above": "grid above; no text where there is none",
        "replicas": "equal grids behind the same place",
        "price_per_mwh": "told by the supplier",
        "export_price_per_mwh": "told by the supplier, for what is fed back",
        "factor_told_tco2_per_mwh": "told by the supplier",
        "factor_metered_tco2_per_mwh": "as traced; nan where nothing passed",
        "p_forecast_mw": "told before the price; nan where nobody asked",
        "p_plan_mw": "told in answer to the price",
        "p_metered_mw": "taken; negative where fed back",
        "carbon_t_per_h": "[tCO2/h] taken; negative where fed back",
    },
)
_PAYOFFS = Table(
    "payoffs",
    "what an account gained by one item; kind is counterparty for what is no agent of the grid",
    "consumer, prosumer (what energy is worth to them); grid (payments)",
    "agent",
    False,
    {"item": "purpose of payments, utility, or value of energy", "amount_money": "positive when gained"},
)
_MESSAGES = Table(
    "messages",
    "a message on the bus; none where the bus was not recorded",
    "world",
    "world",
    False,
    {
        "sent_s": "[s] simulated time",
        "delivered_s": "[s] simulated time; nan when lost",
        "sender": "name in the world",
        "recipient": "name in the world",
        "topic": "type of the message",
        "outcome": "delivered, lost or duplicate",
    },
)
_TRAFFIC = Table("traffic", "a case", "world", "world", False, {"messages": "sent over the bus"})
_LEDGER = Table(
    "ledger",
    "one side of a payment",
    "world",
    "world",
    False,
    {
        "entry": "number of the payment",
        "period": "that it belongs to; missing where to none",
        "time": "when it was booked",
        "account": "name in the world",
        "counterparty": "name in the world",
        "purpose": "what is paid for",
        "amount_money": "positive when received",
    },
)

CONTRACT: tuple[Table, ...] = (
    _SIGNALS, _ROUNDS, _DAYS, _DISPATCH, _LOADS, _STORAGES, _UNITS, _QUARTERS, _CARBON, _PROSUMERS, _POOL,
    _TRADES, _LEASES, _BENCHMARKS, _BUSES, _BRANCHES, _HEADS, _PAYOFFS, _MESSAGES, _TRAFFIC, _LEDGER,
)  # fmt: skip
"""Every table that the agents and grids of this package fill."""
