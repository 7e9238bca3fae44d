"""The README's programs run as printed, and its commands are the ones that CI uses."""

import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _programs() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_own_agent_and_behaviour_run_as_printed_in_under_40_lines(tmp_path):
    program = next(text for text in _programs() if "class GreenConsumer" in text)
    lines = [line for line in program.splitlines() if line.strip()]
    assert len(lines) < 40
    script = tmp_path / "mine.py"
    script.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    printed = dict(line.split() for line in done.stdout.splitlines())
    assert printed.keys() == {"emission_tco2", "shifted_mwh", "user_surplus_money"}
    # With these two consumers and high renewables the day emits less than with ordinary ones, about 12.1 t.
    assert 11.0 < float(printed["emission_tco2"]) < 13.0
    assert done.stderr == ""


def test_short_program_runs_as_printed(tmp_path):
    program = next(text for text in _programs() if "result.table" in text)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    # The ordinary day of the default run emits about 21.1 t.
    assert 20.0 < float(done.stdout.split()[0]) < 22.0


def test_packages_match_the_tree():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    for package, folder in settings["package-dir"].items():
        assert (ROOT / folder / "py.typed").is_file()
        found = {
            ".".join([package, *path.parent.relative_to(ROOT / folder).parts])
            for path in (ROOT / folder).rglob("*.py")
        }
        listed = {name for name in settings["packages"] if name.startswith(package)}
        assert found == listed, f"{package}: the wheel's packages are not the folders with modules"
    for package in settings["packages"]:
        assert (ROOT / Path(*package.split(".")[1:]) / "__init__.py").is_file()


def test_the_commands_install_the_releases_that_were_tested():
    commands = re.findall(r"^pip install .*&&.*$", README, flags=re.MULTILINE)
    assert len(commands) == 2
    assert all("-c constraints.txt" in command for command in commands)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = map(Requirement, chain(project["dependencies"], *project["optional-dependencies"].values()))
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    tested = [Requirement(line) for line in lines if not line.startswith("#")]
    for requirement in wanted:
        name = canonicalize_name(requirement.name)
        releases = [next(iter(one.specifier)).version for one in tested if one.name == name]
        assert releases or name == "gridarium", f"{name} has no tested release"
        assert all(release in requirement.specifier for release in releases), requirement
