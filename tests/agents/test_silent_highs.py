"""What HiGHS says of itself never reaches stdout; it runs whoever else uses HiGHS in the same process."""

from __future__ import annotations

import multiprocessing
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMPORT = "from gridarium.agents.solving.silent_highs import new_highs"
IN_A_WORKER = f"""
import multiprocessing
{IMPORT}
worker = multiprocessing.get_context({{method!r}}).Process(target=new_highs)
worker.start()
worker.join()
print("exit code", worker.exitcode)
"""
IN_THREADS = f"""
from concurrent.futures import ThreadPoolExecutor
{IMPORT}
with ThreadPoolExecutor(8) as threads:
    done = [threads.submit(new_highs) for _ in range(32)]
print(sum(one.result() is not None for one in done))
"""
OTHER_WAYS = f"""
{IMPORT}
import pyomo.environ as pyo
from pyomo.contrib.solver.common.factory import SolverFactory
from scipy.optimize import linprog
new_highs()
print(linprog([1.0], bounds=[(2.0, 3.0)], method="highs").fun)
m = pyo.ConcreteModel()
m.x = pyo.Var(bounds=(2.0, 3.0))
m.cost = pyo.Objective(expr=m.x)
print(SolverFactory("highs").solve(m).incumbent_objective)
"""

AFTER_ANOTHER_USER = f"""
import highspy
{IMPORT}
for make, threads in ((new_highs, 1), (highspy.Highs, 2), (new_highs, 1)):
    if make is highspy.Highs:
        # As if the other user had come first.
        highspy.Highs.resetGlobalScheduler(True)
    highs = make()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", threads)
    highs.addVar(2.5, 4.5)
    highs.changeColCost(0, 1.0)
    highs.changeColIntegrality(0, highspy.HighsVarType.kInteger)
    highs.run()
    print(highs.getInfo().objective_function_value)
"""


def stdout_of(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_only_own_lines_are_printed() -> None:
    assert stdout_of(f"{IMPORT}\nprint('before')\nnew_highs().run()\nprint('after')") == "before\nafter\n"


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_only_own_lines_are_printed_in_a_worker(method: str) -> None:
    assert stdout_of(IN_A_WORKER.format(method=method)) == "exit code 0\n"


def test_threads_that_come_first_together_are_silent_and_leave_stdout_open() -> None:
    assert stdout_of(IN_THREADS) == "32\n"


def test_the_other_ways_to_highs_are_silent_too() -> None:
    assert stdout_of(OTHER_WAYS) == "2.0\n2.0\n"


@pytest.mark.skipif(sys.platform == "win32", reason="its C streams cannot be reached")
def test_what_waits_in_a_c_buffer_still_reaches_stdout() -> None:
    code = f"import ctypes\n{IMPORT}\nctypes.CDLL(None).printf(b'from C')\nnew_highs()"
    assert stdout_of(code) == "from C"


def test_a_closed_stdout_is_no_obstacle() -> None:
    assert stdout_of(f"import os\n{IMPORT}\nos.close(1)\nnew_highs().run()\nos._exit(0)") == ""


def test_a_file_that_took_the_place_of_stdout_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "results"
    code = f"import os\n{IMPORT}\nos.close(1)\nfile = open({str(file)!r}, 'w')\nassert file.fileno() == 1\n"
    stdout_of(code + "new_highs()\nfile.write('own')\nfile.close()\nos._exit(0)")
    assert file.read_text() == "own"


def test_threads_of_another_user_of_highs_are_no_obstacle() -> None:
    assert stdout_of(AFTER_ANOTHER_USER) == "3.0\n3.0\n3.0\n"


def test_every_highs_object_of_the_tree_comes_from_one_place() -> None:
    folders = [ROOT / name for name in ("agents", "environment", "experiments", "market")]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    makes = {file.name for file in files if re.search(r"\bHighs\(", file.read_text(encoding="utf-8"))}
    assert makes == {"silent_highs.py"}
