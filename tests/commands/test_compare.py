"""`compare` as it is typed: two runs of the fakes, in every form, and what is refused."""

import json
from dataclasses import asdict

import pytest
import yaml

from evalkit.__main__ import main
from evalkit.reports.baselines import keep, read_run
from evalkit.reports.files import write_rows
from evalkit.reports.layout import PIPED
from tests import conftest
from tests.analysis.runs import METRICS, rows_of, run_of, written
from tests.conftest import report_of

HOSTILE = "a|b`<i>\x1b[31m\n\u202e[x](y)*"
SPOILT = ("engine=spoil", "engine@engine.of=tone")


@pytest.fixture
def compare(capfd, monkeypatch):
    """Types `compare`; returns exit code, output and errors."""
    monkeypatch.setenv("COLUMNS", str(PIPED))

    def command(*words) -> tuple[int, str, str]:
        code = main(["compare", *map(str, words)])
        return code, *capfd.readouterr()

    return command


@pytest.fixture
def runs(run):
    """The folders of a clean run, and of one whose engine drops words."""
    clean = run().folder
    return clean, run(*SPOILT, "engine.harm=drop_words").folder


def test_an_engine_that_became_worse_is_told_with_its_version(runs, compare):
    code, out, err = compare(*runs)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert max(map(len, lines)) <= PIPED
    assert "  trial.version: 2 -> 2+drop_words" in lines
    assert "tone (version 2 -> 2+drop_words)" in lines
    (wer,) = (line.split() for line in lines if line.startswith("wer "))
    rows = conftest.rows_of(runs[1])
    errors = sum(row["scores"]["wer"] * row["weights"]["wer"] for row in rows)
    words = sum(row["weights"]["wer"] for row in rows)
    assert (wer[1], wer[2], wer[3]) == ("0.000", f"{errors / words:.3f}", f"+{errors / words:.3f}")
    assert errors > 0


def test_the_comparison_as_markdown_and_as_json(runs, compare):
    code, out, _ = compare(*runs, "--markdown", "--metrics", "wer, sim")
    assert code == 0
    table = [line for line in out.splitlines() if line.startswith("|")]
    assert [line.split(" | ")[1] for line in table] == ["metric", "---", "sim", "wer"]
    assert out.startswith(f"### {runs[1].name} against {runs[0].name}\n")
    code, out, _ = compare(*runs, "--json")
    told = json.loads(out)
    assert (told["baseline_run"], told["candidate_run"]) == tuple(run.name for run in runs)
    assert {one["field"]: one["is_barrier"] for one in told["disagreements"]}["trial.version"] is False
    (sim,) = (one for one in told["comparisons"] if one["metric"] == "sim")
    assert sim["baseline"] == pytest.approx(report_of(runs[0])["trials"][0]["summary"]["sim"]["value"], abs=2e-6)
    assert sim["n_pairs"] == 9


def test_a_baselines_name_is_a_run_too(runs, compare, tmp_path):
    keep(read_run(runs[0]), "clean", "to compare with", tmp_path / "kept")
    code, out, _ = compare("clean", runs[1] / "report.json", "--baselines", tmp_path / "kept", "--metrics=sim")
    assert (code, out.count("\nsim ")) == (0, 1)


def test_other_judges_are_refused_field_by_field(run, runs, compare):
    other = run("judge.speakers=[coarse]").folder
    code, out, err = compare(runs[0], other)
    assert (code, out) == (2, "")
    assert f"evalkit: scores of {runs[0]} and {other} do not compare; " in err
    assert "  judges.speakers.0.judge: hum -> coarse" in err.splitlines()


def fewer_texts(tmp_path, probes):
    content = yaml.safe_load(probes.read_text())
    path = tmp_path / "fewer.yaml"
    path.write_text(yaml.safe_dump({**content, "probes": content["probes"][:2]}))
    return path


def test_other_voices_and_texts_are_refused_whichever_run_has_fewer(run, runs, compare, tmp_path, probes):
    for more, field in (
        ("voices.names=[ann,ben]", "voices.cat"),
        (f"probes.path={fewer_texts(tmp_path, probes)}", "probes.sun"),
    ):
        fewer = run(more).folder
        for pair in ((runs[0], fewer), (fewer, runs[0])):
            code, _, err = compare(*pair)
            assert code == 2
            assert "1 field differs" in err
            assert f"  {field}: " in err


def test_what_cannot_be_done_as_typed(runs, compare, tmp_path):
    for words, complaint in (
        ((runs[0], runs[1], "--metrics", ""), "--metrics: '' is not compared; there are: "),
        ((runs[0], runs[1], "--metrics", "sim,beauty"), "--metrics: 'beauty' is not compared; there are: bleed, "),
        ((runs[0], tmp_path), f"there is no run at '{tmp_path}'"),
    ):
        code, out, err = compare(*words)
        assert (code, out) == (2, "")
        assert err.startswith(f"evalkit: {complaint}")
        assert err.count("\n") == 1
    with pytest.raises(SystemExit) as left:
        compare(*runs, "--json", "--markdown")
    assert left.value.code == 2


def test_runs_that_share_no_scored_utterance(compare, tmp_path):
    run = run_of(rows_of("t", {"sim": [[0.1]]}), metrics={"wer": METRICS["wer"]})
    folders = [written(run, tmp_path / name) for name in "ab"]
    code, _, err = compare(*folders)
    assert (code, err) == (2, f"evalkit: {folders[0]} and {folders[1]} share no utterance that both scored\n")


def test_an_interrupted_run_is_not_compared(compare, tmp_path):
    folders = [
        written(run_of(rows_of("t", {"sim": [[0.1]]}), status=status), tmp_path / status)
        for status in ("complete", "interrupted")
    ]
    code, _, err = compare(*folders)
    assert (code, err.strip()) == (
        2, f"evalkit: {folders[1]} is interrupted; finish it first, type: python -m evalkit run",
    )  # fmt: skip


@pytest.mark.hostile
@pytest.mark.parametrize("where", ["voice", "probe", "text", "settings", "engine", "run_id", "metric", "judge", "half"])
@pytest.mark.parametrize("form", ["terminal", "--markdown", "--json"])
def test_names_of_a_report_steer_nothing(compare, tmp_path, where, form):
    table = {HOSTILE if where == "metric" else "sim": [[0.1, 0.2], [0.3, 0.4]]}
    changes = {where: HOSTILE} if where in {"voice", "probe", "text"} else {}
    rows = rows_of("t", {name: values[:1] for name, values in table.items()} if changes else table, **changes)
    rows = rows[:1] if where in {"voice", "probe"} else rows
    given = {"trials": {"t": {HOSTILE: HOSTILE}}} if where == "settings" else {}
    given |= {"metrics": {HOSTILE: METRICS["sim"]}} if where == "metric" else {}
    given |= {"recordings": {"v0": ["\ud800"], "v1": []}} if where == "half" else {}
    told = {"engines": {HOSTILE: {"\ud800": "\ud800"}}} if where in {"engine", "half"} else {}
    told |= {"judges": {HOSTILE: HOSTILE}} if where == "judge" else {}
    base = run_of(rows, HOSTILE if where == "run_id" else "base", **given, told=told)
    other = run_of(rows, "other", **given, version="2")
    folders = []
    for name, one in (("a", base), ("b", other)):
        folders.append(tmp_path / name)
        folders[-1].mkdir()
        (folders[-1] / "report.json").write_text(json.dumps(asdict(one.report)))
        write_rows(folders[-1], one.rows)
    code, out, err = compare(*folders, *([] if form == "terminal" else [form]))
    assert code == (2 if where == "judge" else 0), err
    shown = out + err
    assert not set(shown) & {"\x1b", "\u202e", "\ud800"}
    if form == "--json" and code == 0:
        json.loads(out)
    if form == "--markdown":
        assert not [line for line in out.splitlines() if line.startswith("\u202e")]
