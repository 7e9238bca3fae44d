"""Break the code at drawn places, one at a time, and list what falls.

From the folder of the project, with tests/ among the folders of modules:

    PYTHONPATH=tests python -m sabotage --draws 200 --resume sabotage.jsonl
    PYTHONPATH=tests python -m sabotage --trace         finds anew which lines short runs execute
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from sabotage.draws import drawn, excluded
from sabotage.executed import store, trace
from sabotage.places import KINDS
from sabotage.trial import attempt, baseline, in_a_process
from sabotage.worlds import RUNS


def main() -> int:
    parser = argparse.ArgumentParser(prog="sabotage", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trace", action="store_true", help="find anew which lines short runs execute")
    parser.add_argument("--draws", type=int, default=200, help="how many places are drawn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", type=Path, help="file that results are added to, and not done again from")
    options = parser.parse_args()
    if options.trace:
        traced = {run: in_a_process(lambda run=run: trace(run)) for run in RUNS}
        for run, found in traced.items():
            _say(f"{run}: {found.get('said', found['result'])}, {found['cpu_s']} s CPU")
        store({run: found["files"] for run, found in traced.items()})
        return 0
    return _try_all(options.draws, options.seed, options.resume)


def _try_all(draws: int, seed: int, file: Path | None) -> int:
    done = [json.loads(line) for line in file.read_text().splitlines()] if file and file.exists() else []
    known = {_key(one): one for one in done}
    results = []
    with tempfile.TemporaryDirectory() as folder:
        begun: dict[str, bool] = {}
        for number, (place, run) in enumerate(drawn(draws, seed)):
            if run not in begun:
                found = baseline(run, Path(folder))
                begun[run] = found["result"] == "done"
                _say(f"{run}: {found.get('said', found['result'])}; fails as it is: {found.get('failed')}")
                hard = {name for name in found.get("failed", ()) if not name.startswith("soft")}
                if not begun[run] or hard:
                    _say(f"{run} does not pass as it is")
                    return 1
            told: dict[str, Any] = {**place._asdict(), "run": run}
            if _key(told) not in known:
                told |= attempt(place, run, Path(folder))
                if file:
                    with file.open("a") as out:
                        out.write(json.dumps(told) + "\n")
            results.append(known.get(_key(told), told))
            _say(f"{number + 1}: {_line(results[-1])}")
    _summarise(results)
    return 0


def _key(one: dict[str, Any]) -> tuple[Any, ...]:
    return one["path"], one["function"], one["node"], one["kind"], one["text"], one["run"]


def _line(one: dict[str, Any]) -> str:
    place = f"{one['run']}, {one['path']}:{one['line']} {one['kind']} of {one['text']}"
    return f"{one['result']}: {place}: {one.get('said') or ', '.join(one['fell'] or one['apart'])}"


def _summarise(results: list[dict[str, Any]]) -> None:
    reasons = {id(one): excluded(one) for one in results}
    missed = [one for one in results if one["result"] == "missed"]
    for one in missed:
        reason = reasons[id(one)]
        _say(f"{'EXCLUDED' if reason else 'MISSED'} {_line(one)}{f': {reason}' if reason else ''}")
    counts = Counter(
        "excluded" if reasons[id(one)] and one["result"] == "missed" else one["result"] for one in results
    )
    judged = counts["caught"] + counts["missed"]
    _say(f"{len(results)} places: {dict(counts)}; caught {counts['caught']} of {judged} that change a result")
    for kind in KINDS:
        own = Counter(one["result"] for one in results if one["kind"] == kind)
        _say(f"  {kind}: {dict(own)}")
    fell = Counter(name for one in results for name in one.get("fell", ()))
    for name, count in fell.most_common():
        _say(f"  {count} x {name}")
    _say(f"CPU {sum(one['cpu_s'] for one in results):.0f} s")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
