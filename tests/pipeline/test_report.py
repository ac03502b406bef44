"""What a report says of a run: a baseline that failed, and the numbers so far of one that was stopped."""

import json
import os
import signal
import subprocess
import sys

import jsonschema
import pytest

from evalkit.reports.files import json_schema, read_report
from tests.conftest import environment, report_of, rows_of, wait_until, without


def test_a_baseline_that_failed_everywhere_is_replaced_by_the_next_and_the_report_says_so(run):
    """In the grid's order 100 Hz that crash, 100 Hz, 10 Hz that crash, 10 Hz."""
    done = run("engine.detune=100,10", "engine.crash_on=' ',null", "engine.jitter=5")
    assert done.code == 0
    trials = {
        (one["settings"]["engine.detune"], one["settings"]["engine.crash_on"]): one for one in done.report["trials"]
    }
    assert done.report["trials"][0] == trials[100, " "]
    assert trials[100, " "]["n_failed"] == 9
    assert done.report["baseline"] == trials[100, None]["id"]
    note = (
        "the baseline engine.crash_on=  has no scored utterance (9 failed, 0 not run), so nothing is compared with it: "
        "engine.crash_on=null does instead"
    )
    assert done.report["notes"] == [note]
    assert note in done.err
    assert {(one["trial"], one["baseline"]) for one in done.report["comparisons"] if one["metric"] != "failed"} == {
        (trials[10, None]["id"], trials[100, None]["id"])
    }
    assert done.report["best"] == trials[10, None]["id"]
    assert done.report["finding"].startswith("Best is engine.detune=10: SIM ")
    jsonschema.validate(done.report, json_schema("report"))


def test_a_baseline_that_did_not_fail_is_kept_without_a_word(run):
    done = run("engine.crash_on=null,fox")
    assert done.report["baseline"] == done.report["trials"][0]["id"]
    assert done.report["notes"] == []


def test_the_finding_claims_no_more_than_can_be_told(run):
    """Misses of 0.2 and 0.3 Hz are both far better than one of 60 Hz; jitter up costs the one more, down the other."""
    done = run("engine.detune=60,0.2,0.3", "engine.jitter=3", "seeds=[0,1,2]")
    assert done.report["finding"].startswith("Among the best is engine.detune=0.2: SIM ")
    assert "; not to be told from it: engine.detune=0.3; " in done.report["finding"]
    assert done.report["finding"] in done.out.splitlines()


def test_the_finding_says_what_failed(run):
    finding = run("engine.detune=150,5", "engine.jitter=3", "seeds=[0,1]", "engine.crash_on=fox").report["finding"]
    assert finding.startswith("Best is engine.detune=5: ")
    assert "; 6 of its 18 utterances failed; " in finding


STRANGE = {"_target_": "tests.strange.Strange", "gain": 0.5}


@pytest.fixture
def stuck(typed, own, tmp_path):
    """What is typed for a run that speaks 64 utterances, a batch, and then hangs."""
    probes = [{"id": "well", "text": "fine"}, {"id": "stuck", "text": "hang"}]
    path = tmp_path / "stuck.yaml"
    path.write_text(json.dumps({"name": "stuck", "version": 1, "language": "en", "probes": probes}))
    seeds = f"seeds=[{','.join(map(str, range(64)))}]"
    typed = without(typed, "engine", "probes.path")
    return ["run", *own(engine={"strange": STRANGE}), *typed, "engine=strange", f"probes.path={path}",
            "voices.names=[ann]", seeds]  # fmt: skip


EAGER = """
import sys
import evalkit.pipeline.run
from evalkit.__main__ import main
evalkit.pipeline.run.LEAST_SECONDS = 0.0
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("stop", "how", "code"),
    [
        (signal.SIGINT, ["-m", "evalkit"], 130),
        (signal.SIGKILL, ["-c", EAGER], -9),  # nothing can be written when it comes, so it must have been before
    ],
)
def test_a_stopped_runs_report_holds_the_numbers_so_far(stuck, tmp_path, stop, how, code):
    process = subprocess.Popen(
        [sys.executable, *how, *stuck], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip

    wait_until(lambda: any("hanging" in log.read_text() for log in tmp_path.glob("reports/*/*/run.log")), process)
    os.kill(process.pid, stop)
    process.communicate()
    assert process.returncode == code
    (folder,) = (tmp_path / "reports/adhoc").iterdir()
    report, rows = read_report(folder), rows_of(folder)
    assert report.status == "interrupted"
    assert len(rows) == 64
    (trial,) = report.trials
    assert (trial.n, trial.n_failed, trial.summary["sim_o"].n) == (64, 0, 64)
    assert trial.summary["sim_o"].value == pytest.approx(sum(row["scores"]["sim_o"] for row in rows) / 64, abs=1e-6)
    assert report.finding == "One trial, nothing to compare: SIM 1.000."  # it plays the prompt
    jsonschema.validate(report_of(folder), json_schema("report"))


def test_a_run_that_was_stopped_before_its_first_row_has_a_report_without_numbers(planned, executed, tmp_path):
    class Impatient:
        def hear(self, event):
            if not (tmp_path / "run/utterances.jsonl").exists():
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        executed(planned(), listener=Impatient())
    report = read_report(tmp_path / "run")
    assert (report.status, report.trials, report.finding) == ("interrupted", [], "")
