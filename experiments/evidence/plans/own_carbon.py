"""What a generating company pays for the carbon of a day by the steps that a scenario states (D4, D10)."""

from __future__ import annotations

from itertools import pairwise

from gridarium.experiments.parts.ties_section import OwnCarbon


def ladder_money(ladder: OwnCarbon, emitted_tco2: float) -> float:
    """sum_k lam_k X_k above the quota, and the steps of reward below it."""
    above, length, cost = emitted_tco2 - ladder.quota_tco2, ladder.interval_tco2, 0.0
    for number in range(ladder.steps):
        most = length if number < ladder.steps - 1 else float("inf")
        taken = min(max(above - number * length, 0.0), most)
        cost += ladder.base_price_per_tco2 * (1.0 + ladder.growth * number) * taken
    for number in range(ladder.reward_steps):
        left = min(max(-above - number * length, 0.0), length)
        cost -= ladder.base_price_per_tco2 * max(0.0, 1.0 - ladder.growth * number) * left
    return cost


def ladder_lines(ladder: OwnCarbon) -> list[tuple[float, float]]:
    """Slopes, money/tCO2, and values at no emission, money, of the lines of which the highest is the cost."""
    quota, length = ladder.quota_tco2, ladder.interval_tco2
    steps = range(-ladder.reward_steps, ladder.steps)
    ends = sorted({0.0, *(quota + number * length for number in steps if quota + number * length > 0.0)})
    found = []
    for low, high in pairwise((*ends, ends[-1] + length)):
        at_low = ladder_money(ladder, low)
        slope = (ladder_money(ladder, high) - at_low) / (high - low)
        found.append((slope, at_low - slope * low))
    return found
