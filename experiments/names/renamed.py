"""Names that scenario files, profiles and studies had in earlier versions of gridarium."""

from __future__ import annotations

import re

RENAMED = {
    "band_low_usd_per_mwh": "band_low_price_per_mwh",
    "base_usd_per_km_mwh": "base_fee_per_km_mwh",
    "benchmark_limit_s": "benchmark_nodes",
    "beta_cny_per_mwh_per_mw": "beta_per_mwh_per_mw",
    "carbon_price_cny_per_tco2": "carbon_price_per_tco2",
    "ceiling_usd_per_mwh": "ceiling_price_per_mwh",
    "compensation_usd_per_mwh": "compensation_per_mwh",
    "cost_fixed_cny_per_h": "cost_fixed_per_h",
    "cost_fixed_usd_per_h": "cost_fixed_per_h",
    "cost_linear_cny_per_mwh": "cost_linear_per_mwh",
    "cost_linear_usd_per_mwh": "cost_linear_per_mwh",
    "cost_quadratic_cny_per_mw2h": "cost_quadratic_per_mw2h",
    "cost_quadratic_usd_per_mw2h": "cost_quadratic_per_mw2h",
    "cost_usd_per_km_mwh": "cost_per_km_mwh",
    "degradation_usd_per_mwh": "degradation_cost_per_mwh",
    "intercept_usd_per_mwh": "intercept_per_mwh",
    "loss_price_cny_per_mwh": "loss_price_per_mwh",
    "p2p_price_usd_per_mwh": "p2p_price_per_mwh",
    "pool_fee_usd_per_mwh": "pool_fee_per_mwh",
    "posted_usd_per_mwh": "posted_price_per_mwh",
    "price_bias_cny_per_mwh": "price_bias_per_mwh",
    "price_scale_cny_per_mwh": "price_scale_per_mwh",
    "price_usd_per_mwh": "price_per_mwh",
    "price_usd_per_tco2": "price_per_tco2",
    "reservation_usd_per_mwh": "reservation_price_per_mwh",
    "scale_usd": "scale_money",
    "slope_usd_per_mwh2": "slope_per_mwh2",
    "start_stop_usd": "start_stop_money",
    "threshold_cny_per_mwh": "price_threshold_per_mwh",
    "tolerance_cny_per_mwh": "price_tolerance_per_mwh",
    "tou_cny_per_mwh": "tou_price_per_mwh",
    "wear_cny_per_mwh": "wear_cost_per_mwh",
}
"""What each field, parameter, metric or column of before is called now; amounts follow a rule."""

RENAMED_ENTRIES = {
    "bargaining-rules": {"alternating": "declared-alternating", "nash": "declared-nash"},
}
"""What each registered name of before is called now, by kind."""

GONE = {
    "exchange_penalty": "is now exchange.penalty, as a multiple of the price over the load at base load",
    "model": "is no field any more: what a grid is follows from its sections, such as dso or operator, and "
    "`papers` names the papers whose claims are judged",
}
"""Fields that scenario files had and that nothing has taken the place of alone."""

_AMOUNT = re.compile(r"(\w+)_(cny|usd)")


def new_name(name: str) -> str | None:
    """Return what is meant by a name of an earlier version, None if it never was one.

    >>> new_name("wear_cny_per_mwh"), new_name("dso_net_revenue_cny"), new_name("load_mw")
    ('wear_cost_per_mwh', 'dso_net_revenue_money', None)
    """
    amount = _AMOUNT.fullmatch(name)
    return RENAMED.get(name) or (f"{amount[1]}_money" if amount else None)
