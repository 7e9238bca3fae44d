"""Trade among prosumers over leased lines, and the desk that introduces them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from gridarium.environment.errors import Fault
from gridarium.experiments.names.registry import make_mechanism
from gridarium.experiments.parts.lines import private_lines
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.schema.fields import (
    Conflict,
    Flag,
    Money,
    MoneyAmount,
    Name,
    Range,
    Registered,
    Section,
    Share,
)

if TYPE_CHECKING:
    from gridarium.agents.prosumers.manners import BargainingRule
    from gridarium.agents.prosumers.trading import TradeRules

_DESK = "desk"


class Trading(Section):
    """How prosumers trade over leased lines."""

    active: Flag = True
    """Whether prosumers trade at all."""
    rule: Annotated[str, Registered("bargaining-rules")] = "concession"
    """How price and volume of each minute are agreed on: a registered rule, or the dotted path
    `package.module:Class`."""
    params: Annotated[dict[Name, Any], Money(by_name=True)] = Field(default_factory=dict)
    """Parameters of a rule for which there is no field here."""
    desk: Flag = True
    """Whether a desk introduces sellers and buyers; without one they talk to their neighbours."""
    partners: Annotated[int, Range(1, 1000)] = 8
    """Sellers that the desk introduces to a buyer; without a desk, neighbours that a seller talks to."""
    band_low_price_per_mwh: MoneyAmount = 0.0
    """Lowest price allowed; the highest is that of the real-time market, money/MWh."""
    turns: Annotated[int, Range(1, 10)] = 3
    """How often a seller shares its supply before each period."""
    rounds: Annotated[int, Range(1, 100)] = 3
    """Offers that a seller makes to a buyer in a minute, at most."""
    posted_price_per_mwh: MoneyAmount | None = None
    """Price of the rule `posted`, money/MWh; null takes the middle of the band."""
    patience_ep: Share = 0.9
    """Worth of a gain one round later to a seller, for the rule `declared-alternating`."""
    patience_ip: Share = 0.9
    """Worth of a gain one round later to a buyer, for the rule `declared-alternating`."""
    deadline: Annotated[int, Range(1, 1000)] | None = None
    """Number of offers of the rule `declared-alternating`; null sets no limit."""
    reputation_weight: Share = 0.1
    """Weight of the last delivery in a reputation."""
    outside_option: Literal["real-time-market", "none"] = "real-time-market"
    """What buyers have without a trade, d_IP of E11: service at the real-time price, or nothing."""
    opens_h: Annotated[float, Range(0, 24)] = 0.0
    """Hour of the day from which prosumers trade."""
    closes_h: Annotated[float, Range(0, 24)] = 24.0
    """Hour of the day up to which they do."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a window that closes before it opens."""
        if self.closes_h <= self.opens_h:
            yield Conflict("closes_h", self.closes_h, f"must be above opens_h = {self.opens_h:g}")


def active_trading(scenario: GridScenario) -> Trading | None:
    """The rules of trade if prosumers trade."""
    trading = TRADING.of(scenario)
    return trading if trading and trading.active else None


def trade_rules(scenario: GridScenario) -> TradeRules:
    """Numbers that hold for all trade; those of an untouched section where there is none."""
    from gridarium.agents.prosumers.trading import TradeRules

    trading = active_trading(scenario) or Trading()
    return TradeRules(
        price_band_per_mwh=(trading.band_low_price_per_mwh, REAL_TIME.of(scenario).price_per_mwh),
        turns=trading.turns,
        rounds=trading.rounds,
        reputation_weight=trading.reputation_weight,
        window_h=(trading.opens_h, trading.closes_h),
        served_otherwise=trading.outside_option == "real-time-market",
    )


def bargaining_rule(scenario: GridScenario) -> BargainingRule:
    """How prosumers bargain; as in an untouched section where they do not trade.

    Raises
    ------
    ScenarioError
        If a rule does not take its parameters.
    """
    trading = active_trading(scenario) or Trading()
    fields = {
        "price_per_mwh": trading.posted_price_per_mwh,
        "patience_ep": trading.patience_ep,
        "patience_ip": trading.patience_ip,
        "deadline": trading.deadline,
    }
    rule: BargainingRule = make_mechanism("bargaining-rules", trading.rule, fields, trading.params)
    return rule


def _build_desk(build: GridBuild) -> None:
    trading = active_trading(build.scenario)
    if trading is None or not trading.desk:
        return
    from gridarium.agents.prosumers.p2p_desk import DeskRules, P2pDesk

    lines, rules = private_lines(build.scenario, build.grid), DeskRules(trading.partners)
    P2pDesk(build.grid.head, _DESK, lines, rules, operator=build.hears_the_pool)


def _band_rises(scenario: GridScenario) -> Iterator[Fault]:
    trading, market = active_trading(scenario), REAL_TIME.of(scenario)
    if trading is not None and trading.band_low_price_per_mwh >= market.price_per_mwh:
        price = f"{market.price_per_mwh:g} {scenario.currency_code}/MWh"
        allowed = f"must be below the real-time price of {price}"
        yield Fault("trading.band_low_price_per_mwh", trading.band_low_price_per_mwh, allowed)


TRADING: Part[Trading | None] = Part(
    field="trading",
    annotation=Trading | None,
    default=None,
    meaning="Trade over leased lines; null for none.",
    under=("prosumers",),
    build=_build_desk,
    checks=((frozenset({"trading", "real_time_market", "currency"}), _band_rises),),
    names=lambda trading: (_DESK,) if trading and trading.active and trading.desk else (),
)
