"""How a TIES negotiates: rounds of prices, or exchange rounds, and when they end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from gridarium.experiments.schema.fields import (
    Conflict,
    PositiveAmount,
    PositiveShare,
    Range,
    Section,
)
from gridarium.market.active_set import ActiveRule
from gridarium.market.admm_rounds import PenaltyShares
from gridarium.market.admm_variants import VariantName
from gridarium.market.stackelberg import PATIENCE

_DAMPING = 0.5


class Exchange(Section):
    """How exchange rounds, which are ADMM with the TIES as coordinator, get from one to the next."""

    variant: VariantName = "anderson"
    """The plain iteration; beyond it; penalties balanced by the paper's rule, or by relative residuals;
    Nesterov's acceleration with restart; Anderson's after three balanced rounds, with a safeguard; or longer
    steps in hours whose step stays the same and shorter ones where it turns, for feeders and units that are
    often at limits."""
    penalty: PositiveAmount = 6.0
    """Weight at first of a MW off the target of all followers, as a multiple of the price over the load."""
    shares: PenaltyShares = "flexibility"
    """How that weight is parted: by flexibility, or by load where a follower tells none; or equally among all
    single grids below."""
    damping: PositiveShare = 1.0
    """Share of the way to the carbon factors and green shares of the last dispatch that a round takes; less
    where feeders that look for clean hours make others clean."""
    relaxation: Annotated[float, Range(1, 2, below_high=True)] = 1.6
    """Share of the plain step that is taken, by over-relaxed and anderson."""
    memory: Annotated[int, Range(1, 20)] = 6
    """Rounds before the last one that anderson mixes."""
    active: ActiveRule = "all"
    """Whom a round asks: all, a random part, those likely to move most, or a part after the other."""
    active_share: PositiveShare = 0.5
    """Share of the followers that a round asks, unless it asks all."""
    round_s: Annotated[float, Range(0, 3600, above_low=True)] | None = None
    """How long a round waits for answers once one has come, s; late ones count when they come. Null waits for
    all."""

    commitments: Annotated[int, Range(1, 20)] = 1
    """Most commitments that are tried, each until its loads are at rest; the best one is kept. 1 holds the
    first one, which is then reviewed; more need followers that tell what their plans cost, as regions do."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what a variant does not have, and one that needs the answers of all where some are enough."""
        for name, variants in (("relaxation", ("over-relaxed", "anderson")), ("memory", ("anderson",))):
            usual, given = type(self).model_fields[name].default, getattr(self, name)
            if given != usual and self.variant not in variants:
                yield Conflict(
                    name, given, f"must be left at {usual:g} unless variant is {' or '.join(variants)}"
                )
        in_step = self.active == "all" and self.round_s is None
        if not in_step and self.variant not in ("plain", "over-relaxed"):
            allowed = "must be plain or over-relaxed unless each round asks all and waits for them"
            yield Conflict("variant", self.variant, allowed)


class Rounds(Section):
    """How a TIES negotiates, and when it stops."""

    kind: Literal["prices", "exchange"] = "prices"
    """Followers take prices, as in the paper; or exchange rounds, which post targets beside one price, for
    grids below whose answers jump with the price."""
    exchange: Exchange = Exchange()
    """Of exchange rounds."""
    closes_h_before: Annotated[float, Range(0.1, 168)] = 1.0
    """Gate closure before the delivery day, h; it opens with the world's own `opens_h_before`."""
    tolerance: Annotated[float, Range(0, 0.1, above_low=True)] = 1e-4
    """Largest relative change of a load, and distance of a price, that counts as rest."""
    damping: PositiveShare = _DAMPING
    """Share of the way to the prices called for that a round takes; cut to two fifths of it where rounds
    bring no progress. Exchange rounds go the whole way."""
    patience: Annotated[int, Range(1, 10_000)] = PATIENCE
    """Rounds of prices without progress after which steps are shortened, and the negotiation ends."""
    round_limit: Annotated[int, Range(1, 10_000)] = 60
    """Most rounds of a negotiation."""
    reply_timeout_s: Annotated[float, Range(0, 86400, above_low=True)] = 5.0
    """How long answers are awaited in a round, s."""
    resend_after_s: Annotated[float, Range(0.01, 86400)] = 1.0
    """After which silence a signal is sent again, s."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what only the other kind of rounds has."""
        if self.kind == "exchange" and self.damping != _DAMPING:
            allowed = f"must be left at {_DAMPING:g} in exchange rounds, which go the whole way"
            yield Conflict("damping", self.damping, allowed)
        if self.kind == "exchange" and self.patience != PATIENCE:
            allowed = f"must be left at {PATIENCE} in exchange rounds, which go on to their limit"
            yield Conflict("patience", self.patience, allowed)
        if self.kind == "prices" and self.exchange != Exchange():
            allowed = "must be left out in rounds of prices alone"
            yield Conflict("exchange", self.exchange.model_dump(exclude_defaults=True), allowed)
