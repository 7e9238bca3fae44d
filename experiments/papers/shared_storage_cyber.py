"""What the paper of model A states about its third layer: takeovers, isolation, refused commands."""

from __future__ import annotations

from gridarium.experiments.claims.kinds import Evidence, Finding, NotMeasuredError, directional
from gridarium.experiments.papers.shared_storage_beyond import at

_FAILING, _ATTACKED, _SECURED = "failing", "attacked", "secured"
_RESTS_ON = "assumed incidents, latencies and attacks"


def _takes_over(evidence: Evidence) -> Finding:
    longest_s, polled_s = (
        evidence.metric(name, _FAILING) for name in ("failover_longest_s", "failover_polled_longest_s")
    )
    reason = f"by heartbeats; telemetry every 30 s alone would take up to {polled_s:.1f} s"
    return Finding(f"{longest_s:.2f} s at most", longest_s <= 0.5, reason)


def _isolates(evidence: Evidence) -> Finding:
    outages = evidence.of("outages", _FAILING)
    hot = outages[outages["cause"] == "overheating"]
    if hot.empty:
        raise NotMeasuredError("no storage of this run has overheated")
    ahead_s = (hot["heard_s"] - hot["since_s"]).min()
    reason = "its breaker opens by its own temperature; the operator hears of it afterwards"
    return Finding(f"{ahead_s:.3f} s before the operator knows", bool(ahead_s > 0.0), reason)


def _refuses(evidence: Evidence) -> Finding:
    acted = {case: evidence.metric("intrusions_acted", case) for case in (_ATTACKED, _SECURED)}
    refused = evidence.metric("intrusions_refused", _SECURED)
    reason = f"the same attacks on plain links: {acted[_ATTACKED]:.0f} forged messages acted"
    holds = acted[_SECURED] == 0.0 < min(refused, acted[_ATTACKED])
    return Finding(f"{acted[_SECURED]:.0f} acted, {refused:.0f} refused", holds, reason)


CYBER_CLAIMS = (
    directional(
        "A-failover",
        at("3.3"),
        "a backup takes over within 0.5 s of a failure",
        "0.5 s",
        _takes_over,
        (_FAILING,),
        rests_on=_RESTS_ON,
    ),
    directional(
        "A-isolation",
        at("3.3"),
        "a unit that overheats is disconnected at once by the physical layer",
        "at once",
        _isolates,
        (_FAILING,),
        rests_on=_RESTS_ON,
    ),
    directional(
        "A-forged-commands",
        at("3.3"),
        "a command without a certificate of the operator is rejected",
        "rejected",
        _refuses,
        (_ATTACKED, _SECURED),
        rests_on=_RESTS_ON,
    ),
)
