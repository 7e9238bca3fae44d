"""The registry of models: nothing is imported before it is used, and every shipped scenario has its model."""

import subprocess
import sys

from gridarium.experiments.models import MODELS
from gridarium.experiments.scenario import load_scenario, shipped_scenarios


def test_models_are_imported_when_they_are_used() -> None:
    code = (
        "import sys\nfrom gridarium.experiments.models import MODELS\n"
        "print([name for name in sys.modules if name.startswith('gridarium.experiments.')])\n"
        "MODELS['net-zero'].schema\n"
        "print(*sorted(name for name in sys.modules if name.startswith('gridarium.experiments.adcef')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.split("\n")[:2]
    assert first == "['gridarium.experiments.models']"
    assert second == ""


def test_every_shipped_scenario_is_of_a_known_model() -> None:
    used = {case.model for name in shipped_scenarios() for case in load_scenario(name).cases.values()}
    assert used == set(MODELS)
