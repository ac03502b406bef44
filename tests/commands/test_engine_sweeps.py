"""The sweeps of the engines with published weights: composed, refused without weights, and run on tiny ones."""

import re
import subprocess
import sys

import jsonschema
import pytest

from evalkit.config.app import run_app
from evalkit.reports.files import json_schema
from evalkit.resources import resource
from tests import tiny
from tests.conftest import PACKAGES_WARN, environment, folder_of, report_of, rows_of, without

pytest.importorskip("f5_tts")
pytestmark = PACKAGES_WARN
SWEEPS = {  # cells, assets
    "chroma_prompt_len": (7, ["chroma_4b"]),
    "chroma_merge": (6, ["chroma_4b"]),
    "chroma_sampling": (10, ["chroma_4b"]),
    "chroma_presets": (4, ["chroma_4b"]),
    "chroma_vs_f5": (2, ["f5_tts_v1_base", "chroma_4b"]),
    "f5_nfe": (5, ["f5_tts_v1_base"]),
    "f5_cfg": (5, ["f5_tts_v1_base"]),
    "csm_sampling": (12, ["csm_1b"]),
}


HEAVY = (
    "torch",
    "transformers",
    "f5_tts",
    "speechbrain",
    "faster_whisper",
    "torchaudio",
    "onnxruntime",
)  # seconds each


@pytest.fixture(scope="module")
def weights(chroma_weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    written = {name: tiny.WRITERS[name](folder / name) for name in tiny.ENGINES if name != "chroma"}
    return [f"weights.{name}={path}" for name, path in {**written, "chroma": chroma_weights}.items()]


@pytest.mark.parametrize("sweep", SWEEPS)
def test_each_composes(sweep):
    plans = []
    assert run_app([f"+sweep={sweep}"], lambda plan, config: plans.append(plan) or 0) == 0
    cells, assets = SWEEPS[sweep]
    assert len(plans[0].cells) == cells
    assert [asset for asset in plans[0].assets() if asset in assets] == assets
    assert (plans[0].probes.name, len(plans[0].probes.probes)) == ("core_en", 60)


@pytest.mark.parametrize("sweep", ["chroma_prompt_len", "chroma_vs_f5", "f5_nfe", "csm_sampling"])
def test_without_weights_each_says_what_is_missing_before_anything_heavy_is_imported(evalkit, sweep, tmp_path):
    done = evalkit("run", f"+sweep={sweep}", EVALKIT_ASSETS=str(tmp_path), PYTHONPROFILEIMPORTTIME="1")
    imported = set(re.findall(r"^import time: .*\| +(\w+)$", done.stderr, flags=re.MULTILINE))
    assert {"evalkit", "hydra"} <= imported
    assert not imported & set(HEAVY)
    assert done.returncode == 2
    wanted = " ".join([*SWEEPS[sweep][1], "ecapa", "whisper_large_v3_ct2", "whisper_base_ct2"])
    assert f"type: python -m evalkit fetch {wanted}; " in done.stderr
    assert "an engine's may also lie in a directory of yours: engine.weights=DIR" in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "reports").exists()


def test_the_plan_is_made_before_anything_heavy_is_imported():
    code = f"""
import sys
from evalkit.config.app import run_app
run_app(["+sweep=chroma_vs_f5"], lambda plan, config: print([name for name in {HEAVY} if name in sys.modules]) or 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=resource("."), env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.weights
@pytest.mark.parametrize(
    ("sweep", "changes"),
    [
        ("chroma_prompt_len", ["engine.max_frames=20"]),
        ("chroma_vs_f5", []),
        ("f5_nfe", ["engine.nfe_step=2,4"]),
        ("csm_sampling", ["engine.max_frames=20", "engine.top_k=50", "engine.depth_temperature=0.9"]),
    ],
)
def test_each_runs_with_tiny_weights_and_real_judges(evalkit, sweep, changes, weights, tmp_path):
    done = evalkit(
        "run", f"+sweep={sweep}", "judge=demo", *weights, *changes, "voices.names=[male_us]", "probes.ids=[ladder]"
    )
    check(done, tmp_path)


@pytest.mark.parametrize("sweep", ["chroma_sampling", "chroma_presets", "chroma_merge", "f5_cfg"])
def test_each_runs_with_tiny_weights(evalkit, sweep, typed, weights, tmp_path):
    short = ["voices.names=[ann]", "probes.ids=[fox]", "prompt.seconds=4"]
    frames = ["engine.max_frames=20"] if "f5" not in sweep else []
    check(evalkit("run", f"+sweep={sweep}", *without(typed, "engine"), *weights, *short, *frames), tmp_path)


def check(done, tmp_path):
    """Sees to a valid report, and to scores in every row."""
    assert done.returncode == 0, done.stderr
    folder = tmp_path / folder_of(done)
    report, rows = report_of(folder), rows_of(folder)
    jsonschema.validate(report, json_schema("report"))
    for row in rows:
        jsonschema.validate(row, json_schema("row"))
    assert report["status"] == "complete"
    assert {row["error"] and row["error"]["message"] for row in rows} == {None}
    assert len(rows) == len(report["trials"]) > 1
    assert all(("intended_wer" in row["scores"]) == (row["engine"] == "chroma") for row in rows)
