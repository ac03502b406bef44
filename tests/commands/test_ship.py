"""`ship` and `shipped`, as they are typed: on a small run of the fakes, with presets of their own."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from evalkit.__main__ import main
from evalkit.config.app import config_of
from evalkit.presets import Preset, read_presets, with_shipped
from evalkit.reports.files import read_report, write_report
from evalkit.resources import resource
from tests.conftest import HUMS, make_voice

PRESETS = """\
# Presets of the fake.
recommended: plain   # what it runs with
presets:
  # set by hand
  plain:
    source: by hand
    detune: 60.0
    jitter: 0.0
  wild:
    detune: 99.0     # far off
    jitter: 1.0
# The end.
"""
KNOBS = {knob: f"${{.shipped.presets.${{.preset}}.{knob}}}" for knob in ("detune", "jitter")}
NODE = {
    "defaults": [{"/shipped@shipped": "tone"}, "_self_"],
    "_target_": "evalkit.engines.tone.Tone",
    "preset": "${.shipped.recommended}",
    **KNOBS,
    "crash_on": None,
}
MARGINS = {"wer": 0.01, "failed": 0.01, "runaway_share": 0.02}  # no rtf: what whistling takes is chance


def own_configs(folder: Path) -> Path:
    """Writes a folder of configs with the engine `whistler`, which is `tone` with presets."""
    (folder / "engine").mkdir(parents=True)
    (folder / "shipped").mkdir()
    (folder / "engine/whistler.yaml").write_text(yaml.safe_dump(NODE, sort_keys=False))
    (folder / "shipped/tone.yaml").write_text(PRESETS)
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with voices, probes, configs and a run in which a smaller miss is told to be better."""
    root = tmp_path_factory.mktemp("finished")
    for name, hum in HUMS.items():
        make_voice(root / "voices" / name, hum)
    texts = {"fox": "the quick brown fox", "dog": "jumps over a lazy dog", "sun": "a cold sun rose late"}
    probes = [{"id": id, "text": text} for id, text in texts.items()]
    (root / "probes.yaml").write_text(yaml.safe_dump({"name": "x", "version": 1, "language": "en", "probes": probes}))
    (root / "margins.yaml").write_text(yaml.safe_dump({"margins": MARGINS}))
    own_configs(root / "own")
    assert main(["run", *typed_in(root), "engine.detune=60,5"]) == 0
    (folder,) = (root / "reports/adhoc").iterdir()
    folder.rename(root / "reports/RUN")
    write_report(root / "reports/RUN", clean(read_report(root / "reports/RUN")))
    return root


def typed_in(root):
    return [
        *("--config-dir", str(root / "own"), "engine=whistler", "judge=fake", "ears=fake"),
        *(f"voices.path={root}/voices", f"probes.path={root}/probes.yaml", f"store={root}/store"),
        *(f"transcripts={root}/transcripts", f"reports_dir={root}/reports"),
    ]


def clean(report):
    """The report as if it came of a clean checkout, which the tree of whoever tests need not be."""
    return replace(report, provenance=replace(report.provenance, commit="c" * 40, dirty=False))


@pytest.fixture
def root(finished, tmp_path):
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def ship(root, capfd):
    """Types `ship` for the run; gives exit code, output and errors."""

    def command(*more, run="reports/RUN", margins="margins.yaml"):
        code = main(["ship", f"{root}/{run}", "--configs", f"{root}/own", "--margins", f"{root}/{margins}", *more])
        return code, *capfd.readouterr()

    return command


def presets(root):
    return read_presets(root / "own", "tone")


def change(root, **fields):
    write_report(root / "reports/RUN", replace(read_report(root / "reports/RUN"), **fields))


def test_the_winner_becomes_what_the_next_run_runs_with(ship, root, capfd):
    code, out, err = ship()
    assert (code, err) == (0, "")
    assert "tone: detune=5 (was 60)" in out
    assert f"written: {root}/own/shipped/tone.yaml, preset shipped" in out
    text = (root / "own/shipped/tone.yaml").read_text()
    kept = PRESETS.replace("recommended: plain ", "recommended: shipped ").removesuffix("# The end.\n")
    assert text.startswith(kept)
    assert text.endswith("# The end.\n")
    assert presets(root).shipped.values == {"detune": 5.0, "jitter": 0.0}
    main(["run", *typed_in(root), "dry_run=true"])
    shown = capfd.readouterr().out
    assert presets(root).shipped.evidence.trial in shown
    assert "9 cached" in shown  # the very sounds of the trial that won


def test_the_evidence_says_where_it_is_written_down(ship, root):
    ship()
    report = json.loads((root / "reports/RUN/report.json").read_text())
    found = presets(root).shipped.evidence
    (told,) = (one for one in report["comparisons"] if one["metric"] == "sim")
    assert (found.report, found.run_id, found.commit) == ("reports/RUN/report.json", report["run_id"], "c" * 40)
    assert (found.difference, found.low, found.high) == (told["difference"], told["low"], told["high"])
    assert (found.n_pairs, found.scope, found.metric) == (9, "population", "sim")
    assert (found.trial, found.baseline) == (told["trial"], told["baseline"])
    assert list(found.guards) == ["wer", "failed", "runaway_share"]
    assert (found.replaced, found.forced, found.overrode) == ({"detune": 60.0, "jitter": 0.0}, None, [])


def test_shipping_the_same_again_has_nothing_to_ship(ship, root):
    assert ship()[0] == 0
    before = (root / "own/shipped/tone.yaml").read_text()
    code, _, err = ship("--force", "--reason", "again")
    assert code == 1
    assert "nothing to ship: the trial that is best in sim has the values that are shipped already" in err
    assert (root / "own/shipped/tone.yaml").read_text() == before


def test_a_dry_run_prints_the_difference_and_writes_nothing(ship, root):
    code, out, _ = ship("--dry-run", run="reports/RUN/report.json")
    assert code == 0
    assert "\n-recommended: plain   # what it runs with\n+recommended: shipped   # what it runs with\n" in out
    assert "\n+    detune: 5.0\n" in out
    assert out.endswith("nothing was written\n")
    assert (root / "own/shipped/tone.yaml").read_text() == PRESETS


def test_what_speaks_against_it_is_said_and_a_reason_overrides_it(ship, root):
    report = read_report(root / "reports/RUN")
    change(root, provenance=replace(report.provenance, dirty=True))
    code, _, err = ship("--dry-run")
    assert code == 1
    assert "evalkit: not shipped: the report was made by code with changes that are in no commit" in err
    assert presets(root).recommended == "plain"
    assert ship("--force", "--reason", 'we\nsaw: it "all"')[0] == 0
    found = presets(root).shipped
    assert found.evidence.forced == 'we saw: it "all"'
    assert [one[:34] for one in found.evidence.overrode] == ["the report was made by code with c"]
    assert "shipped against what spoke against it" in found.source


def test_a_reason_that_was_not_needed_is_not_kept(ship, root):
    assert ship("--force", "--reason", "to be sure")[0] == 0
    assert presets(root).shipped.evidence.forced is None


def test_rows_that_are_not_all_there_are_damage_and_no_matter_of_judgement(ship, root):
    rows = root / "reports/RUN/utterances.jsonl"
    rows.write_text("".join(rows.read_text().splitlines(keepends=True)[:-2]))
    change(root, baseline=read_report(root / "reports/RUN").trials[1].id)
    code, out, err = ship("--force", "--reason", "so")
    assert (code, out) == (2, "")
    assert "the two are not of one run, or one is damaged" in err


def test_without_rows_it_can_be_compared_only_with_the_reports_own_baseline(ship, root):
    (root / "reports/RUN/utterances.jsonl").unlink()
    assert ship("--dry-run")[0] == 0
    trials = read_report(root / "reports/RUN").trials
    change(root, baseline=trials[1].id)
    code, _, err = ship("--force", "--reason", "so")
    assert code == 1
    assert "there are no rows beside it to compare anew" in err


def test_a_report_with_the_winner_as_baseline_is_compared_anew(ship, root):
    report = read_report(root / "reports/RUN")
    change(root, baseline=report.trials[1].id, comparisons=[])
    assert ship()[0] == 0
    (told,) = (one for one in report.comparisons if one.metric == "sim")
    assert presets(root).shipped.evidence.difference == pytest.approx(told.difference, abs=1e-5)


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("reports/RUN/report.json", "not JSON", "is not a report"),
        ("reports/RUN/report.json", "[]", "is not a report"),
        ("reports/RUN/report.json", '{"schema_version": 2}', "is not a report of version 2"),
        ("own/shipped/tone.yaml", "- a\n- b\n", "tone.yaml is no file of presets: the whole file: expected a"),
        ("own/shipped/tone.yaml", "", "tone.yaml is no file of presets"),
        ("own/shipped/tone.yaml", "a: [", "tone.yaml is not YAML"),
        ("own/shipped/tone.yaml", "recommended: x\npresets: {}\n", "recommended is 'x', which is none of its presets"),
        ("own/shipped/tone.yaml", "recommended: x\npresets: {x: 5}\n", "presets.x: "),
        ("own/shipped/tone.yaml", "recommended: x\npresets: {x: {detune: [1]}}\n", "x.values.detune"),
        ("own/shipped/tone.yaml", "recommended: x\npresets: {x: {detune: 60.0, evidence: 5}}\n", "x.evidence"),
        ("own/shipped/tone.yaml", "recommended: x\npresets: {x: {detune: 60.0}}\n", "cannot be edited"),
        ("own/shipped/tone.yaml", "recommended: x\npresets:\n  x: &a {detune: 60.0}\n  shipped: &b {}\n  y: *b\n",
         "cannot be edited"),
        ("margins.yaml", "margins: {}\n", "has no margins"),
        ("margins.yaml", "margins: {sim: 1}\n", "there is no margin for wer"),
        ("reports/RUN/utterances.jsonl", '{"trial": 5}\n', None),
    ],
)  # fmt: skip
def test_files_that_are_not_what_they_should_be(ship, root, name, content, said):
    (root / name).write_text(content)
    code, _, err = ship()
    assert "Traceback" not in err
    assert code == (2 if said else 0)  # rows are read only where they are needed
    assert (said or "") in err


@pytest.mark.hostile
@pytest.mark.parametrize("engine", ["../tone", "a/b", "", "..", "tone\n", "x" * 300])
def test_an_engine_whose_name_is_a_path_leads_nowhere(ship, root, engine):
    trials = [replace(one, engine=engine) for one in read_report(root / "reports/RUN").trials]
    change(root, trials=trials)
    code, _, err = ship()
    assert code == 2
    assert "the engine's name" in err


@pytest.mark.hostile
def test_what_hydra_would_take_for_more_than_text_is_not_written(ship, root):
    report = read_report(root / "reports/RUN")
    change(root, provenance=replace(report.provenance, dirty=None))
    code, _, err = ship("--force", "--reason", "see ${oc.env:HOME}")
    assert code == 2
    assert "'see ${oc.env:HOME}' cannot stand there, since Hydra would take it for a reference" in err
    assert (root / "own/shipped/tone.yaml").read_text() == PRESETS


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--force",), '--force needs a reason, which is kept beside the values: --force --reason "..."'),
        (("--force", "--reason", "  "), "--force needs a reason"),
        (("--reason", "so"), "--reason belongs to --force"),
        (("--engine", "kokoro"), "the report has no engine 'kokoro'; name one: --engine NAME (available: tone)"),
        (("--format", "abstractvoice"), "AbstractVoice has no tone; it has: f5_tts, chroma"),
        (("--configs", "/nowhere"), "--configs /nowhere: there is no such folder"),
    ],
)
def test_what_is_typed_wrongly(ship, more, said):
    code, _, err = ship(*more)
    assert code == 2
    assert said in err


@pytest.mark.parametrize("run", ["reports/none", "probes.yaml", "own"])
def test_what_is_no_run(ship, run):
    code, _, err = ship(run=run)
    assert code == 2
    assert "is no run: give a run's folder" in err or "no report at" in err


def test_an_engine_without_presets(ship, root):
    (root / "own/shipped/tone.yaml").rename(root / "own/shipped/other.yaml")
    code, _, err = ship()
    assert code == 2
    assert "engine tone has no presets" in err
    assert "engines that have some there: other" in err


def test_several_engines_want_one_to_be_named(ship, root):
    report = read_report(root / "reports/RUN")
    change(root, trials=[*report.trials, replace(report.trials[0], id="z", engine="other")])
    code, _, err = ship()
    assert (code, "the report has several engines; name one: --engine NAME" in err) == (2, True)
    assert ship("--engine", "tone")[0] == 0


def shipped(capfd, *more):
    code = main(["shipped", *more])
    return code, *capfd.readouterr()


def test_what_is_shipped_is_listed_with_its_evidence(ship, root, capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, err = shipped(capfd, "--configs", f"{root}/own")
    assert code == 0
    assert out.splitlines()[1].split() == ["tone", "plain", "recommended", "detune=60", "jitter=0:", "by", "hand"]
    assert err.startswith("evalkit: tone, preset plain: no evidence, only a source")
    ship()
    code, out, err = shipped(capfd, "--configs", f"{root}/own")
    assert (code, err) == (0, "")
    assert "recommended  detune=5 jitter=0: sweep adhoc, SIM +0." in out
    content = json.loads(shipped(capfd, "--configs", f"{root}/own", "--json")[1])
    assert [(one["preset"], one["recommended"], one["fault"]) for one in content] == [
        ("plain", False, None),
        ("wild", False, None),
        ("shipped", True, None),
    ]
    assert content[2]["evidence"]["report"] == "reports/RUN/report.json"


def test_evidence_whose_report_is_another_or_gone_is_told(ship, root, capfd):
    ship()
    change(root, finding="I say so")
    code, _, err = shipped(capfd, "--configs", f"{root}/own")
    assert (code, "its report has changed since it was shipped" in err) == (0, True)
    (root / "reports/RUN/report.json").unlink()
    code, _, err = shipped(capfd, "--configs", f"{root}/own")
    assert (code, "its report cannot be read any more" in err) == (0, True)


def test_the_presets_that_evalkit_ships_are_listed(capfd):
    code, out, _ = shipped(capfd, "--json")
    assert code == 0
    assert {one["engine"] for one in json.loads(out)} == {"chroma", "csm", "f5_tts", "kokoro"}


@pytest.mark.parametrize("engine", ["chroma", "csm", "f5_tts", "kokoro"])
def test_a_preset_with_evidence_is_what_an_engine_of_ours_runs_with(ship, root, engine, monkeypatch):
    """In a copy of the configs: the evidence disturbs nothing that Hydra composes."""
    ship()
    shutil.copytree(resource("configs"), root / "configs")
    known = read_presets(root / "configs", engine)
    values = {knob: value + 1 if type(value) is int else value for knob, value in known.shipped.values.items()}
    preset = Preset("shipped", values, "a test", presets(root).shipped.evidence)
    known.path.write_text(with_shipped(known, preset))
    assert {**known.known, "shipped": preset} == read_presets(root / "configs", engine).known
    monkeypatch.setattr("evalkit.config.app.resource", lambda name: root / name)
    config = config_of([f"engine={engine}", "judge=fake", "ears=fake"])
    assert {knob: config.engine[knob] for knob in values} == values
    assert config.engine["preset"] == "shipped"


def test_values_are_printed_as_abstractvoice_has_them(ship, root, capfd):
    """The run as if F5 had made it: its presets have knobs that AbstractVoice has, and others."""
    report = read_report(root / "reports/RUN")
    text = (root / "own/shipped/tone.yaml").read_text().replace("detune", "nfe_step").replace("jitter", "speed")
    (root / "own/shipped/f5_tts.yaml").write_text(text)
    theirs = [
        replace(
            one,
            engine="f5_tts",
            settings={**one.settings, "engine.nfe_step": one.settings["engine.detune"], "engine.speed": 0.0},
        )
        for one in report.trials
    ]
    theirs = [
        replace(one, settings={key: value for key, value in one.settings.items() if key != "engine.detune"})
        for one in theirs
    ]
    change(root, trials=theirs)
    code, out, _ = ship("--format", "abstractvoice")
    assert code == 0
    assert "F5_TTS_PRESETS = {\n    # by hand\n" in out
    assert "    'plain': {'nfe_step': 60.0},\n" in out
    assert "    # not to be told to AbstractVoice: speed=0\n    'shipped': {'nfe_step': 5.0},\n}\n" in out
    assert "reports/RUN/report.json, sha256 " in out
    assert (root / "own/shipped/f5_tts.yaml").read_text() == text
