"""`gate` as it is typed: what passes, what is a regression, what cannot be told, what is kept, what is refused."""

import json
import os
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml

from evalkit.__main__ import main
from evalkit.errors import DataError
from evalkit.reports.baselines import read_run
from evalkit.reports.layout import PIPED
from evalkit.resources import resource
from tests.analysis.runs import METRICS, rows_of, run_of, written

SPOILT = ("engine=spoil", "engine@engine.of=tone", "engine.harm=drop_words")
FLAT, CHECKERED = np.full((4, 4), 0.5), np.array([[1, -1] * 2, [-1, 1] * 2] * 2) * 0.01


@pytest.fixture
def gate(capfd, monkeypatch, tmp_path):
    """Types `gate`, with baselines of one's own; returns exit code, output and errors."""
    monkeypatch.setenv("COLUMNS", str(PIPED))

    def command(*words) -> tuple[int, str, str]:
        code = main(["gate", *map(str, words), "--baselines", str(tmp_path / "baselines")])
        return code, *capfd.readouterr()

    return command


@pytest.fixture
def margins(tmp_path):
    """Writes a file of margins."""

    def write(**given) -> Path:
        path = tmp_path / "margins.yaml"
        path.write_text(yaml.safe_dump({"margins": given}, sort_keys=False))
        return path

    return write


@pytest.fixture
def folder(tmp_path):
    """Writes a run whose SIM is so much worse than 0.5."""

    def write(name: str, worse: float = 0.0, chance=CHECKERED, **changes) -> Path:
        rows = rows_of("t", {"sim": (FLAT - worse + chance).tolist()})
        return written(run_of(rows, name, **changes), tmp_path / "written" / name)

    return write


def test_the_same_engine_passes_and_says_why(run, gate):
    """The second run takes its sounds from the store, so that its times are none, and all else is certain."""
    clean, again = run().folder, run().folder
    code, out, err = gate(again, "--baseline", clean)
    assert (code, err) == (0, "")
    assert "every utterance is the same sound in both runs" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= PIPED
    assert "gate: pass: no metric is worse by its margin or more; not gated: dnsmos_ovrl, rtf;" in " ".join(out.split())


def test_other_sounds_as_good_pass(run, gate, margins):
    """A pitch that misses by a hundredth of a hertz more is no other voice."""
    clean, other = run().folder, run("engine.detune=30.03").folder
    code, out, _ = gate(other, "--baseline", clean, "--margins", margins(sim=0.01))
    assert code == 0
    assert "same sound" not in out
    assert "  trial.engine.detune: 30 -> 30.03" in out.splitlines()


def test_words_that_are_dropped_are_a_regression_in_wer(run, gate, margins, probes):
    """Longer texts, so that each loses some words."""
    content = yaml.safe_load(probes.read_text())
    texts = {
        f"t{at}": " ".join(["one two three four five six seven eight nine ten"] * 4) + f" {'abcdef'[at]}"
        for at in range(6)
    }
    probes.write_text(yaml.safe_dump({**content, "probes": [{"id": id, "text": text} for id, text in texts.items()]}))
    clean, spoilt = run().folder, run(*SPOILT).folder
    code, out, _ = gate(spoilt, "--baseline", clean, "--margins", margins(sim=0.02, wer=0.01))
    assert code == 1
    assert "gate: regression: worse by more than the margin in wer;" in " ".join(out.split())
    assert "  trial.version: 2 -> 2+drop_words" in out.splitlines()


def test_nine_utterances_settle_little(run, gate):
    clean, spoilt = run().folder, run(*SPOILT).folder
    for more, expected, told in (
        ((), 3, ""),
        (("--inconclusive=pass",), 0, "inconclusive is taken for passed, as --inconclusive says\n"),
        (("--inconclusive=fail",), 1, "inconclusive is taken for failed, as --inconclusive says\n"),
    ):
        code, out, err = gate(spoilt, "--baseline", clean, *more)
        assert (code, err) == (expected, told)
        assert "more utterances would settle it" in out
        assert "gate: inconclusive: these utterances do not settle wer, " in " ".join(out.split())


@pytest.mark.parametrize("state", ["failed", "crashed"])
def test_who_fails_on_hard_texts_does_not_pass(run, gate, margins, state):
    """All that is said of the others is the same, so that without its failures it would pass."""
    clean, failing = run().folder, run("engine.crash_on=fox" if state == "failed" else "engine.crash_on=' '").folder
    code, out, _ = gate(failing, "--baseline", clean, "--margins", margins(sim=0.02, wer=0.01))
    assert code == 1
    assert "wer" in out.split("gate: regression: worse by more than the margin in")[1]


def test_the_verdict_as_files(folder, gate, margins, tmp_path):
    base, worse = folder("base", chance=0), folder("worse", 0.1)
    files = [tmp_path / "out" / name for name in ("gate.md", "gate.xml", "gate.json")]
    words = ["--markdown", files[0], "--junit", files[1], "--json", files[2]]
    code, _, _ = gate(worse, "--baseline", base, "--margins", margins(sim=0.02, failed=0.01, rtf=1), *words)
    assert code == 1
    assert files[0].read_text().startswith("### Gate: worse against base\n\n| metric |")
    assert "- gate: regression: worse by more than the margin in sim;" in files[0].read_text()
    suite = ElementTree.parse(files[1]).getroot()
    assert [(case.get("name"), case[0].tag) for case in suite] == [
        ("sim", "failure"), ("failed", "failure"), ("rtf", "skipped"),
    ]  # fmt: skip
    told = json.loads(files[2].read_text())
    assert (told["state"], told["baseline_run"], told["candidate_run"]) == ("regression", "base", "worse")
    assert told["verdicts"][0]["worsening"] == pytest.approx(0.1)


def test_a_skipped_case_is_what_inconclusive_is_where_it_passes(folder, gate, margins, tmp_path):
    words = ["--margins", margins(sim=0.001), "--inconclusive=pass", "--junit", tmp_path / "gate.xml"]
    code, _, _ = gate(folder("new"), "--baseline", folder("base", chance=0), *words)
    (case,) = ElementTree.parse(tmp_path / "gate.xml").getroot()
    assert (code, case[0].tag) == (0, "skipped")


def test_a_file_that_cannot_be_written_is_no_regression(folder, gate, margins, tmp_path):
    (tmp_path / "taken").write_text("a file")
    base = folder("base")
    code, _, err = gate(
        base, "--baseline", base, "--margins", margins(sim=0.1), "--json", tmp_path / "taken" / "gate.json"
    )
    assert code == 2
    assert "cannot write" in err


def test_a_baseline_is_kept_under_its_name_with_a_reason_and_gated_against(folder, gate, margins, tmp_path):
    base, worse = folder("base", chance=0), folder("worse", 0.1)
    code, out, _ = gate(base, "--update-baseline", "kokoro", "--reason", "the first one")
    kept = tmp_path / "baselines" / "kokoro"
    assert (code, out) == (0, f"{kept}\n")
    assert json.loads((kept / "baseline.json").read_text())["reason"] == "the first one"
    assert gate(worse, "--baseline", "kokoro", "--margins", margins(sim=0.02))[0] == 1
    gate(worse, "--update-baseline", "kokoro", "--reason", "worse, but what we ship")
    assert json.loads((kept / "baseline.json").read_text())["replaced"] == "base"
    assert gate(worse, "--baseline", "kokoro", "--margins", margins(sim=0.02))[0] == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--update-baseline", "k"], "a baseline is kept for a reason"),
        (["--update-baseline", "k", "--reason", " "], "a baseline is kept for a reason"),
        (["--update-baseline", "../k", "--reason", "why"], "--update-baseline '../k' has a '/'"),
        (["--update-baseline", "", "--reason", "why"], "--update-baseline '' is no name"),
        (["--baseline", "nothing"], "there is no run at 'nothing', and no baseline of that name below"),
        (["--baseline", "nothing", "--margins", "no.yaml"], "no "),
    ],
)
def test_what_cannot_be_done_as_typed(folder, gate, words, complaint):
    code, out, err = gate(folder("base"), *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"evalkit: {complaint}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--baseline", "a", "--update-baseline", "b", "--reason", "c"],
        ["--baseline", "a", "--reason", "c"],
        ["--baseline", "a", "--scope", "all"],
        ["--baseline", "a", "--inconclusive", "maybe"],
    ],
)
def test_words_that_do_not_go_together(folder, gate, words):
    with pytest.raises(SystemExit) as left:
        gate(folder("base"), *words)
    assert left.value.code == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"told": {"judges": {"asr": {"judge": "other"}}}}, "judges.asr.judge: whistle -> other"),
        ({"told": {"judges": {"asr": {"judge": "whistle"}, "normalizer": "x"}}}, "judges.normalizer: not there -> x"),
        (
            {"metrics": {**METRICS, "sim": replace(METRICS["sim"], higher_is_better=False)}},
            "metrics.sim.better: higher -> lower",
        ),
        ({"recordings": {f"v{at}": ["x"] for at in range(4)}}, "voices.v0: 2 recordings"),
    ],
)
def test_what_does_not_compare_is_refused(folder, gate, changes, field):
    code, out, err = gate(folder("new", **changes), "--baseline", folder("base"))
    assert (code, out) == (2, "")
    assert "do not compare" in err
    assert f"  {field}" in err


def test_a_run_that_says_less_or_more_is_refused(gate, tmp_path, margins):
    rows = rows_of("t", {"sim": (FLAT + CHECKERED).tolist()})
    base = written(run_of(rows), tmp_path / "base")
    for name, own, complaint in (
        ("texts", [row for row in rows if row.probe != "p3"], "probes.p3"),
        ("voices", [row for row in rows if row.voice != "v3"], "voices.v3"),
        ("utterance", rows[1:], "voice v0, probe p0: "),
        ("seeds", [*rows, *rows_of("t", {"sim": FLAT.tolist()}, seed=1)], "voice v0, probe p0: "),
    ):
        other = written(run_of(own), tmp_path / name)
        for pair in ((other, base), (base, other)):
            code, out, err = gate(pair[0], "--baseline", pair[1], "--margins", margins(sim=0.5))
            assert (code, out) == (2, "")
            assert complaint in err


def test_a_baseline_that_scored_nothing_is_none(folder, gate):
    code, _, err = gate(folder("new"), "--baseline", folder("base", status="failed"))
    assert code == 2
    assert "is failed: only a complete run can be a baseline" in err


def test_a_candidate_that_scored_nothing_is_a_regression(folder, gate, margins, tmp_path):
    base = folder("base")
    gone = [replace(row, state="failed", scores={}, error=None) for row in read_run(base).rows]
    new = written(run_of(gone, status="failed"), tmp_path / "gone")
    code, out, _ = gate(new, "--baseline", base, "--margins", margins(failed=0.01))
    assert (code, "+1.000" in out) == (1, True)


def test_margins_of_metrics_that_are_none_are_refused(folder, gate, margins):
    base = folder("base")
    code, out, err = gate(base, "--baseline", base, "--margins", margins(**{"beauty\n": 0.1}))
    assert (code, out) == (2, "")
    assert err.startswith("evalkit: margins: there is no metric 'beauty\\n'; there are: audio_seconds, ")
    code, out, err = gate(base, "--baseline", base, "--margins", margins(utmos=0.1))
    assert (code, out, err) == (2, "", "evalkit: nothing can be gated: 'utmos': it is not scored\n")
    code, out, _ = gate(base, "--baseline", base, "--margins", margins(utmos=0.1, sim=0.1))
    assert code == 0
    assert "not gated: utmos" in out


def test_the_population_is_asked_for(folder, gate, margins):
    words = ["--margins", margins(sim=0.5), "--scope", "population"]
    _, out, _ = gate(folder("new"), "--baseline", folder("base", chance=0), *words)
    assert "new voices and texts (population)" in " ".join(out.split())


@pytest.mark.hostile
@pytest.mark.parametrize("which", ["candidate", "baseline"])
@pytest.mark.parametrize(
    "damage",
    {
        "no_json": lambda path: path.write_text("nonsense"),
        "list": lambda path: path.write_text("[]"),
        "nan": lambda path: path.write_text('{"schema_version": NaN}'),
        "huge": lambda path: path.write_text('{"schema_version": 1e999}'),
        "newer": lambda path: path.write_text('{"schema_version": 99}'),
        "empty": lambda path: path.write_text(""),
        "deep": lambda path: path.write_text("[" * 100_000),
        "folder": lambda path: (path.unlink(), path.mkdir()),
        "pipe": lambda path: (path.unlink(), os.mkfifo(path)),
        "gone": lambda path: path.unlink(),
    }.items(),
    ids=lambda item: item[0],
)
def test_a_damaged_run_ends_with_one_line(folder, gate, damage, which):
    good, bad = folder("good"), folder("bad")
    damage[1](bad / "report.json")
    code, out, err = gate(*((bad, "--baseline", good) if which == "candidate" else (good, "--baseline", bad)))
    assert (code, out) == (2, "")
    assert err.startswith("evalkit: ")
    assert err.count("\n") == 1
    assert str(bad) in err


def test_the_shipped_margins_and_sweep_are_there():
    assert resource("configs/gate.yaml").is_file()
    assert resource("configs/sweep/gate.yaml").is_file()
    with pytest.raises(DataError):
        read_run(resource("configs"))
