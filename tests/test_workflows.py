"""What GitHub runs: every workflow is sound, and asks make and evalkit for what there is."""

import re
import shutil
import subprocess

import pytest
import yaml

from evalkit.resources import resource

WORKFLOWS = sorted(resource(".github/workflows").glob("*.yml"))


def test_actionlint_finds_nothing():
    """It is a program of its own: its package on PyPI fetches it from GitHub, so that it is no part of the locks."""
    if (actionlint := shutil.which("actionlint")) is None:
        pytest.skip("actionlint is missing: https://github.com/rhysd/actionlint")
    done = subprocess.run([actionlint, *WORKFLOWS], cwd=resource("."), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_workflow_makes_is_in_the_makefile(path):
    targets = set(re.findall(r"^([a-z-]+):", resource("Makefile").read_text(), re.MULTILINE))
    jobs = yaml.safe_load(path.read_text())["jobs"].values()
    scripts = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    assert set(re.findall(r"^make ([a-z-]+)$", "\n".join(scripts), re.MULTILINE)) <= targets
    assert not [script for script in scripts if "${{" in script], "what is typed must stay a word of the shell"
