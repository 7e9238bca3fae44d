"""What the paper of model B states about a virtual power plant that is paid for the cleanness it stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from gridarium.experiments.claims.kinds import Evidence, Finding, Measure, NotMeasuredError, directional
from gridarium.experiments.claims.paper import Paper
from gridarium.experiments.papers.green_vpp_arithmetic import ARITHMETIC, at
from gridarium.experiments.papers.green_vpp_beyond import BEYOND
from gridarium.experiments.papers.green_vpp_figures import drawings
from gridarium.experiments.results.records import Claim
from gridarium.market.lcr import fall_share, idle_lcr, willingness_gain

UNIFORM, NODAL, UNPAID = PAID = ("scenario-1", "scenario-2", "scenario-3")
"""Cleanness paid at one price, at that of its region, and not at all."""
ASSUMED = "synthetic loads, prices, green shares and ratings: the paper's are missing"
_VARIANTS = {"at an efficiency of 0.98": "efficient", "with a throughput cost": "throughput"}
_SLACK = 1e-6
_TIES = 0.01
"""Share of green energy below which a difference is none: schedules of equal bills differ by as much."""

Figure = Callable[[Evidence, str], float]
"""A figure of one case."""


def _metric(name: str) -> Figure:
    return lambda evidence, case: evidence.metric(name, case)


def _saving_money(evidence: Evidence, case: str) -> float:
    """dC: what a plant pays less than where cleanness is not paid (B5), wear counted."""

    def borne(one: str) -> float:
        return evidence.metric("vpp_cost_money", one) + evidence.metric("vpp_wear_money", one)

    return borne(UNPAID if case in PAID else f"{case.rpartition('-')[0]}-3") - borne(case)


def _beside(evidence: Evidence, figure: Figure, form: str, numbers: Sequence[int]) -> str:
    """The same figures of the cases beside the default ones, as far as they were run."""
    texts = []
    for words, prefix in _VARIANTS.items():
        cases = [f"{prefix}-{number}" for number in numbers]
        try:
            if evidence.has(*cases, f"{prefix}-3"):
                texts.append(f"{words} {_shown(evidence, figure, form, cases)}")
        except NotMeasuredError:
            texts.append(f"{words} not measured")
    return "; ".join(texts) or "no other efficiency or throughput cost was run"


def _shown(evidence: Evidence, figure: Figure, form: str, cases: Sequence[str]) -> str:
    return ", ".join(form.format(figure(evidence, case)) for case in cases)


def _order(figure: Figure, form: str, numbers: Sequence[int], what: str = "", ties: float = 0.0) -> Measure:
    """Figures of some of the three scenarios, which fall in the order given, each by more than a share."""

    def measure(evidence: Evidence) -> Finding:
        cases = [f"scenario-{number}" for number in numbers]
        figures = [figure(evidence, case) for case in cases]
        holds = all(above - ties * abs(above) > below + _SLACK for above, below in pairwise(figures))
        reason = f"{what}{', '.join(cases)}; {_beside(evidence, figure, form, numbers)}"
        return Finding(_shown(evidence, figure, form, cases), holds, reason)

    return measure


def _cost_cut(case: str) -> Measure:
    """What payments for cleanness cut off the cost of scenario 3, percent."""

    def measure(evidence: Evidence) -> Finding:
        def cut(evidence: Evidence, case: str) -> float:
            base = UNPAID if case in PAID else f"{case.rpartition('-')[0]}-3"
            return 100 * _saving_money(evidence, case) / evidence.metric("vpp_cost_money", base)

        found = cut(evidence, case)
        also = _beside(evidence, cut, "{:.2f} %", [int(case[-1])])
        return Finding(f"{found:.2f} %", found > _SLACK, f"of the cost of {UNPAID}; {also}", found)

    return measure


def _payment_falls(evidence: Evidence) -> Finding:
    paid = [evidence.metric("environmental_money", case) for case in (UNIFORM, NODAL)]
    if paid[0] <= 0.0:
        raise NotMeasuredError(
            f"the case {UNIFORM} of this run was paid nothing: no fall is relative to that"
        )
    fall, also = 100 * fall_share(*paid), _beside(evidence, _metric("environmental_money"), "{:,.0f}", [1, 2])
    rivals = ""
    if evidence.has("two-vpps"):
        rivals = f"; two plants are paid {evidence.metric('environmental_money', 'two-vpps'):,.0f} together"
    shown = f"{paid[0]:,.0f} to {paid[1]:,.0f} {evidence.study.currency_code}"
    return Finding(f"-{fall:.1f} %", paid[1] < paid[0] - _SLACK, f"{shown}; {also}{rivals}", fall)


def _saving_falls(evidence: Evidence) -> Finding:
    saved = [_saving_money(evidence, case) for case in (UNIFORM, NODAL)]
    if saved[0] <= 0.0:
        raise NotMeasuredError(f"the case {UNIFORM} of this run saves nothing: no fall is relative to that")
    fall, also = 100 * fall_share(*saved), _beside(evidence, _saving_money, "{:,.0f}", [1, 2])
    shown = f"{saved[0]:,.0f} to {saved[1]:,.0f} {evidence.study.currency_code}"
    return Finding(f"-{fall:.1f} %", saved[1] < saved[0] - _SLACK, f"{shown}; {also}", fall)


def _willingness(number: int) -> Measure:
    """How much more green energy is discharged than in scenario 3, percent of scenario 1 as in the paper."""

    def measure(evidence: Evidence) -> Finding:
        green, base, first = (
            evidence.metric("green_discharged_mwh", case) for case in (f"scenario-{number}", UNPAID, UNIFORM)
        )
        if min(base, first) <= 0.0:
            raise NotMeasuredError("no green energy is discharged: no gain is relative to that")
        gain = 100 * willingness_gain(green, base, first)
        own = 100 * willingness_gain(green, base, base)
        also = _beside(evidence, _metric("green_discharged_mwh"), "{:.2f}", [number, 3])
        reason = f"relative to scenario 1 as in the paper, {own:+.1f} % relative to scenario 3; MWh {also}"
        return Finding(f"{gain:+.1f} %", gain > 100 * _TIES, reason, gain)

    return measure


def _lcr(evidence: Evidence, case: str) -> float:
    return 100 * evidence.metric("lcr_share", case)


def _dear_regions_act_least(evidence: Evidence) -> Finding:
    days = evidence.of("vpp_region_days", UNIFORM)
    acts = days.assign(acts=days["charge_actions"] + days["discharge_actions"])
    totals = acts.groupby("region")["acts"].sum().sort_values(kind="stable")
    dear = [name for name in totals.index if name in ("region_2", "region_4")]
    if len(dear) < 2 or len(totals) < 3:
        raise NotMeasuredError("needs regions region_2 and region_4, and others beside them")
    holds = float(totals[dear].max()) < float(totals.drop(dear).min())
    shown = ", ".join(f"{name} {count:.0f}" for name, count in totals.items())
    return Finding(shown, holds, "charge and discharge actions of scenario 1")


def _busy_at_noon(evidence: Evidence) -> Finding:
    def hours_in_use(case: str) -> float:
        rows = evidence.of("vpp_regions", case)
        noon = rows["time"].dt.hour.between(11, 15) & (rows["region"] != "region_2")
        return float(((rows["charge_mw"] + rows["discharge_mw"])[noon] > _SLACK).sum())

    used = {case: hours_in_use(case) for case in (NODAL, UNPAID)}
    reason = f"hours in which a region is in use from 11 to 16 h, without region_2: {NODAL}, {UNPAID}"
    return Finding(f"{used[NODAL]:.0f}, {used[UNPAID]:.0f}", used[NODAL] > used[UNPAID], reason)


_RUNS: tuple[Callable[[Evidence], Claim], ...] = (
    directional(
        "B-green-order",
        at("Table III"),
        "most green energy is discharged in scenario 1, least in scenario 3",
        "10.61, 6.15, 1.74 MWh",
        _order(
            _metric("green_discharged_mwh"),
            "{:.3f} MWh",
            (1, 2, 3),
            f"each must be {_TIES:.0%} above the next, since schedules tie; ",
            _TIES,
        ),
        PAID,
        rests_on=ASSUMED,
    ),
    directional(
        "B-charge-order",
        at("Table V"),
        "storages charge most often in scenario 1, least in scenario 3",
        "44, 41, 11",
        _order(_metric("charge_actions"), "{:.0f}", (1, 2, 3), "periods in use, which ties move; "),
        PAID,
        rests_on=ASSUMED,
    ),
    directional(
        "B-discharge-order",
        at("Table VI"),
        "storages discharge most often in scenario 1, least in scenario 3",
        "50, 47, 16",
        _order(_metric("discharge_actions"), "{:.0f}", (1, 2, 3), "periods in use, which ties move; "),
        PAID,
        rests_on=ASSUMED,
    ),
    directional(
        "B-benefit-order",
        at("Table II"),
        "the plant saves more at the uniform price than at the nodal one",
        "1066, 557 CNY",
        _order(_saving_money, "{:,.1f}", (1, 2), "against scenario 3; "),
        PAID,
        rests_on=ASSUMED,
    ),
    directional(
        "B-benefit-1",
        at("Table II"),
        "payments at the uniform price cut the cost by 7.55 %",
        "7.55 %",
        _cost_cut(UNIFORM),
        PAID,
        figure=7.55,
        rests_on=ASSUMED,
    ),
    directional(
        "B-benefit-2",
        at("Table II"),
        "payments at the nodal price cut the cost by 3.94 %",
        "3.94 %",
        _cost_cut(NODAL),
        PAID,
        figure=3.94,
        rests_on=ASSUMED,
    ),
    directional(
        "B-lcr-order",
        at("Table II"),
        "the indicator LCR is higher at the nodal price than at the uniform one",
        "21.60, 13.96 %",
        _order(
            _lcr,
            "{:.2f} %",
            (2, 1),
            f"it falls with what a plant saves: who does nothing scores {100 * idle_lcr().total:.0f} %; ",
        ),
        PAID,
        rests_on=ASSUMED,
    ),
    directional(
        "B-payment",
        at("Table II"),
        "the nodal price lowers what is paid for cleanness, from 959 to 637",
        "-33.6 %",
        _payment_falls,
        (UNIFORM, NODAL),
        figure=33.6,
        rests_on=ASSUMED,
    ),
    directional(
        "B-overcompensation",
        at("Table II"),
        "the nodal price takes 47.8 % off what the plant saves",
        "-47.8 %",
        _saving_falls,
        PAID,
        figure=47.8,
        rests_on=ASSUMED,
    ),
    directional(
        "B-willing-1",
        at("Table III"),
        "owners are more willing by 83.6 % at the uniform price",
        "+83.6 %",
        _willingness(1),
        PAID,
        figure=83.6,
        rests_on=ASSUMED,
    ),
    directional(
        "B-willing-2",
        at("Table III"),
        "owners are more willing by 41.6 % at the nodal price",
        "+41.6 %",
        _willingness(2),
        PAID,
        figure=41.6,
        rests_on=ASSUMED,
    ),
    directional(
        "B-unit-payment",
        at("Tables II, III"),
        "a MWh of green energy is paid more at the nodal price than at the uniform one",
        "103.6, 90.4",
        _order(_metric("green_payment_per_mwh"), "{:.1f}", (2, 1), "a nodal price is the lower one; "),
        PAID,
        rests_on=ASSUMED,
    ),
    directional(
        "B-dear-regions",
        at("Tables V, VI"),
        "regions 2 and 4, which have the highest prices and the largest spread, act least",
        "regions 2 and 4",
        _dear_regions_act_least,
        (UNIFORM,),
        rests_on=ASSUMED,
    ),
    directional(
        "B-noon",
        at("case study"),
        "from 11 to 16 h storages outside region 2 rest in scenario 3 and are in use in scenario 2",
        "scenario 2 above scenario 3",
        _busy_at_noon,
        (NODAL, UNPAID),
        rests_on=ASSUMED,
    ),
)


PAPER = Paper(
    title="Journal of Modern Power Systems and Clean Energy 2024, 12(2), 346-358",
    claims=(*_RUNS, *ARITHMETIC, *BEYOND),
    drawings=drawings,
)
