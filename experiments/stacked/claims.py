"""What the papers state is judged where each model runs alone; a stack of them is in no paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gridarium.experiments.claim_kinds import Evidence
from gridarium.experiments.records import Claim

CLAIMS: Sequence[Callable[[Evidence], Claim]] = ()
