"""What is typed becomes cells; what is wrong is refused with what is available, before any model loads."""

import re

import pytest
import yaml

from evalkit.__main__ import main
from evalkit.config.app import run_app
from evalkit.config.grid import cells, split_axes
from evalkit.errors import ConfigError
from evalkit.resources import resource


def test_axes_are_parted_from_fixed_overrides():
    fixed, axes = split_axes(["+sweep=demo", "engine.top_k=1,3", "prompt.seconds=range(2,8,2)", "seeds=[1,2]"])
    assert fixed == ["+sweep=demo", "seeds=[1,2]"]
    assert axes == ["engine.top_k=1,3", "prompt.seconds=range(2,8,2)"]


@pytest.mark.parametrize(
    ("grids", "axes", "fixed", "expected"),
    [
        ([["prompt.seconds=3,8", "engine=a,b"]], [], [],
         [["prompt.seconds=3", "engine=a"], ["prompt.seconds=3", "engine=b"],
          ["prompt.seconds=8", "engine=a"], ["prompt.seconds=8", "engine=b"]]),
        ([["prompt.seconds=3,8"]], ["prompt.seconds=5,6"], [], [["prompt.seconds=5"], ["prompt.seconds=6"]]),
        ([["prompt.seconds=3,8", "engine.k=1,2"]], [], ["engine.k=7"], [["prompt.seconds=3"], ["prompt.seconds=8"]]),
        ([["engine@engine.of=a,b"]], [], ["engine=spoil"], [["engine@engine.of=a"], ["engine@engine.of=b"]]),
        ([["engine@engine.of=a,b"]], [], ["engine@engine.of=c"], [[]]),
        ([["engine.k=1,2"], ["engine.k=2,3"]], [], [], [["engine.k=1"], ["engine.k=2"], ["engine.k=3"]]),
        ([["prompt.seconds=range(2,8,3)"]], [], [], [["prompt.seconds=2"], ["prompt.seconds=5"]]),
        ([], ["engine.k=1,2"], [], [["engine.k=1"], ["engine.k=2"]]),
        ([], [], [], [[]]),
    ],
)  # fmt: skip
def test_cells(grids, axes, fixed, expected):
    assert cells(grids, axes, fixed) == expected


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (["voices.names=a,b"], r"'voices.names' cannot be an axis.*voices.names=\[...\]"),
        (["seeds=1,2"], r"seeds=\[...\]"),
        (["judge=demo,fake"], "axes begin with engine or prompt"),
        (["engine.k=range(3,1)"], "no value"),
        (["engine.k=range(1,3,0)"], "step other than 0"),
        (["engine.k=choice("], "cannot read the override"),
        (["prompt.seconds=3,", "8,", "20"], "values are listed without spaces between them: prompt.seconds=3,..."),
        (["voices.path=my (1)"], "put it in quotes of its own"),
        (["engine.k=interval(1,2)"], "cannot sweep"),
    ],
)
def test_wrong_axes(axes, message):
    with pytest.raises(ConfigError, match=message):
        split_axes(axes) and cells([], axes, [])


WRONG = {
    "sweep": (["+sweep=dmeo"], "Could not find 'sweep/dmeo'.*demo"),
    "engine": (["engine=kokorro"], "Could not find 'engine/kokorro'.*kokoro.*tone"),
    "key": (["prompt.second=3"], "second.*Available there: clips, .*seconds"),
    "knob": (["engine=tone", "engine.detunes=3"], "detunes.*Available there:.*detune"),
    "new key": (["+promt=3"], "promt"),
    "value": (["prompt.seconds=-3"], "prompt.seconds: .*greater than 0 .got -3"),
    "type": (["prompt.seconds=soon"], "prompt.seconds: .*number.*'soon'"),
    "axis value": (["prompt.seconds=3,-8"], "prompt.seconds: .*greater than 0"),
    "knob value": (["engine=kokoro", "engine.top_k=99"], r"engine.top_k: .*less than or equal to 16 .got 99"),
    "knob type": (["engine=kokoro", "engine.top_k=1,2.5"], "engine.top_k: .*integer"),
    "voice": (["voices.names=[nobody]"], "no voice 'nobody'.*female_gb"),
    "probe": (["probes.ids=[nothing]"], "no probe 'nothing'.*canoe"),
    "stratum": (["probes=core_en", "probes.strata=[shrot]"], "no stratum 'shrot'; it has: short, long, numbers"),
    "stratum of the demo": (["probes.strata=[short]"], "probe set 'demo' has no stratum 'short'; it has: none"),
    "stratum of no id": (
        ["probes=core_en", "probes.strata=[short,long]", "probes.ids=[tide]"],
        r"no probe among the ids chosen is of the strata short, long; they are: tide .numbers.; leave out",
    ),
    "folder": (["voices.path=/no/such/folder"], "no folder of voices at /no/such/folder"),
    "normalizer": (["judge.normalizer=loud"], "judge.normalizer: .*'whisper_english'"),
    "seeds": (["seeds=[]"], "seeds"),
    "device": (["device=gpu"], "device: .*pattern"),
    "name": (["name=../escape"], "name: .*pattern"),
    "target": (["engine=tone", "engine._target_=evalkit.engines.tone.Tune"], "there is no evalkit.engines.tone.Tune"),
    "no engine": (["engine=tone", "engine._target_=evalkit.trial.Trial"], "Trial is no Engine"),
    "no voices": (["voices.names=[]"], "voices.names: .*at least 1 item"),
    "no probes": (["probes.ids=[]"], "probes.ids: .*at least 1 item"),
    "no strata": (["probes.strata=[]"], "probes.strata: .*at least 1 item"),
    "strata that are none": (["probes.strata={a: b}"], r"probes.strata\.0: .*valid string .got {'a': 'b'}"),
    "dot": (["engine=tone", "engine._target_=.Foo"], "expected the dotted name of a class"),
    "too long": (["prompt.seconds=40"], "seconds=40 is above max_seconds=30"),
    "gap and fade": (["prompt.crossfade_seconds=0.1"], "exclude each other"),
    "nothing": ([], "say what to run: .+sweep=NAME .available: chroma_merge, .*demo, f5_cfg"),
    "no plus": (["sweep=demo"], "A sweep is added with a plus: .sweep=NAME"),
    "cell": (["+sweep=demo", "engine=tone"], "in the grid's cell engine.bank=2, prompt.seconds=1: .*bank"),
    "store is a file": (["store=/etc/hostname"], "store: .*this is no folder .got '/etc/hostname'"),
    "no store": (["store="], "store: .*a folder is needed"),
    "multirun": (["-m", "prompt.seconds=1,2"], "--multirun is not needed"),
    "harm": (["engine=spoil", "engine.harm=loud"], "engine.harm: input should be 'none', .*'cut' .got 'loud'"),
    "harm twice": (
        ["engine=spoil", "engine@engine.of=spoil"],
        "engine.of: expected an engine, other than spoil itself",
    ),
    "nothing harmed": (["engine=spoil", "~engine@engine.of"], "engine.of._target_: .*the dotted name.* got None"),
    "none harmed": (["engine=spoil", "engine.of=null"], "engine.of: expected an engine, .*type engine@engine.of=NAME"),
    "a name harmed": (
        ["engine=spoil", "engine.of=tone"],
        "engine.of: expected an engine, .*type engine@engine.of=NAME",
    ),
    "no engine harmed": (["engine=spoil", "engine@engine.of=kokorro"], "Could not find 'engine/kokorro'.*kokoro.*tone"),
    "wrapped preset": (["engine=spoil", "engine.of.preset=loud"], "engine.of.preset: there is no preset 'loud'.*blend"),
    "wrapped knob": (["engine=spoil", "engine.of.top_k=99"], "engine.of.top_k: .*less than or equal to 16 .got 99"),
    "wrapped python": (
        ["engine=spoil", "engine.of.python=/no/python"],
        "engine.of.python=/no/python: there is no such",
    ),
    "passed on python": (["engine=spoil", "engine.python=/no/python"], "engine.python=/no/python: there is no such"),
    "not wrapping": (
        ["engine=tone", "+engine.of={_target_: evalkit.engines.tone.Tone}"],
        "engine.of: unexpected keyword",
    ),
    "list as axis": (["seeds=1,2"], r"seeds=\[\.\.\.\]"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_refused_with_what_is_available(case, capfd, tmp_path):
    overrides, message = WRONG[case]
    places = {"reports_dir": f"{tmp_path}/reports", "store": f"{tmp_path}/store"}
    typed_keys = {override.split("=")[0] for override in overrides}
    elsewhere = [f"{key}={place}" for key, place in places.items() if key not in typed_keys]
    code = main(["run", *overrides, *(elsewhere if overrides else [])])
    shown = capfd.readouterr()
    assert (code, shown.out) == (2, "")
    assert "Traceback" not in shown.err
    assert len(shown.err.splitlines()) == 1
    assert re.search(message, shown.err)
    assert list(tmp_path.iterdir()) == []


def test_dry_run_prints_the_plan_and_touches_nothing(typed, capfd, tmp_path):
    assert main(["run", *typed, "prompt.seconds=1,2", "engine.detune=30", "dry_run=true"]) == 0
    out = capfd.readouterr().out
    assert "2 trials x 9 utterances = 18: 0 cached, 18 to do" in out
    assert "weights missing: none" in out
    assert not (tmp_path / "reports").exists()


def test_equal_cells_are_one_trial(typed, capfd):
    """3 and 3.0 are the same number of seconds."""
    assert main(["run", *typed, "prompt.seconds=3,3.0", "dry_run=true"]) == 0
    assert "1 trials" in capfd.readouterr().out


SWEEPS = {"demo": 6, "prompt_len": 7, "prompt_merge": 6, "reference_text": 4, "prompt_cut": 6}  # cells
NAMING_ENGINES = {"where_engines_live"}  # so that no fake takes their place: tests/servers runs one of its kind
BLENDED = {"_target_": "tests.fakes.Blended", "bank": 1}


@pytest.mark.parametrize("sweep", SWEEPS)
def test_every_shipped_sweep_runs_with_the_fakes(sweep, run, own):
    typed = (*own(engine={"blended": BLENDED}), f"+sweep={sweep}", "engine=blended", "probes.ids=[name]")
    done = run(*typed, drop=("probes.path",))
    assert done.code == 0
    assert (done.report["sweep"], done.report["status"]) == (sweep, "complete")
    counts = [(trial["n"], trial["n_failed"], trial["n_not_run"]) for trial in done.report["trials"]]
    assert counts == [(3, 0, 0)] * SWEEPS[sweep]


def test_sweeps_of_the_embedded_engine_speak_the_demos_probes_and_all_others_the_core():
    found = {}
    for path in resource("configs/sweep").glob("*.yaml"):
        chosen = {key: value for line in yaml.safe_load(path.read_text())["defaults"] for key, value in line.items()}
        found[path.stem] = (chosen.get("override /engine") == "kokoro", chosen["override /probes"])
    assert {probes for _, probes in found.values()} == {"demo", "core_en"}
    assert [name for name, (embedded, probes) in found.items() if embedded != (probes == "demo")] == []
    assert {name for name, (embedded, _) in found.items() if embedded} == {*SWEEPS, *NAMING_ENGINES}


def test_missing_weights_stop_a_run_before_any_work(evalkit, tmp_path):
    done = evalkit("run", "+sweep=demo", EVALKIT_ASSETS=str(tmp_path / "none"))
    assert done.returncode == 2
    assert "type: python -m evalkit fetch kokoro_int8 kokoro_voices ge2e campplus whisper_base_ct2" in done.stderr
    assert not (tmp_path / "reports").exists()


def test_hydra_users_find_what_they_know(evalkit):
    helped = evalkit("run", "--help")
    assert helped.returncode == 0
    assert "engine: abstractvoice, chroma, command, csm, f5_tts, kokoro, speech_server, spoil, tone" in helped.stdout
    config = evalkit("run", "+sweep=demo", "engine.top_k=1,3", "--cfg", "job")
    assert config.returncode == 0
    assert "top_k: 1" in config.stdout


def test_sweeps_of_ones_own(typed, tmp_path, capfd):
    (tmp_path / "mine/sweep").mkdir(parents=True)
    (tmp_path / "mine/sweep/own.yaml").write_text(
        "# @package _global_\nname: own\ngrid:\n  - [prompt.seconds=1, 'engine.detune=0,9']\n  - [prompt.seconds=2]\n"
    )
    assert main(["run", "--config-dir", f"{tmp_path}/mine", "+sweep=own", *typed, "dry_run=true"]) == 0
    assert "3 trials x 9 utterances" in capfd.readouterr().out


JUDGED = ["engine=tone", "judge=fake", "ears=fake", "voices=demo_long"]


def judges_of(*typed):
    plans = []
    assert run_app([*JUDGED, *typed], lambda plan, config: plans.append(plan) or 0) == 0
    return plans[0].judges


def test_several_speaker_encoders_are_chosen_by_name():
    judges = judges_of("judge.speakers=[hum,ge2e,campplus]", "judge.quality=[dnsmos]")
    assert [speaker.name for speaker in judges.speakers] == ["hum", "ge2e", "campplus"]
    names = {metric.name for metric in judges.metrics}
    assert {"sim", "sim_ge2e", "sim_campplus", "dnsmos_ovrl", "dnsmos_p808"} <= names
    assert [one["judge"] for one in judges.fingerprint()["speakers"]] == ["hum", "ge2e", "campplus"]


@pytest.mark.parametrize(
    ("judge", "speakers", "assets"),
    [
        ("ecapa_whisper", ["ecapa"], ["ecapa", "whisper_large_v3_ct2"]),
        ("seed_tts_eval", ["wavlm_large_sv"], ["wavlm_large_sv", "whisper_large_v3"]),
        ("f5_eval", ["wavlm_large_sv"], ["wavlm_large_sv", "whisper_large_v3_ct2"]),
        ("demo", ["campplus"], ["campplus", "whisper_base_ct2"]),
    ],
)
def test_each_protocol_names_its_models_and_what_it_compares_with(judge, speakers, assets):
    plans = []
    run_app(["engine=tone", f"judge={judge}"], lambda plan, config: plans.append((plan, config)) or 0)
    plan, config = plans[0]
    assert [speaker.name for speaker in plan.judges.speakers] == speakers
    assert set(assets) <= set(plan.assets())
    assert len(config.judge.comparable) > 40
    assert plan.judges.normalizer == {"seed_tts_eval": "seed_tts", "f5_eval": "f5_tts"}.get(judge, "whisper")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (
            ["judge.speakers=[ecapo]"],
            "judge.speakers: there is no 'ecapo'; available: ecapa, wavlm_large_sv, wavlm_sv, campplus, ge2e",
        ),
        (["judge.quality=[pesq]"], "judge.quality: there is no 'pesq'; available: dnsmos, plcmos, utmos"),
        (["judge.speakers=[]"], "judge.speakers"),
        (["judge.normalizer=lower"], "judge.normalizer: .*'seed_tts'"),
        (["voices.exclude=[nobody]"], "voices.exclude: no voice nobody among female_gb, female_us"),
        (["voices.names=[male_us]", "voices.exclude=[male_us]"], "voices.exclude leaves no voice; there are male_us"),
    ],
)
def test_judges_and_voices_that_there_are_not(typed, message, capfd):
    assert main(["run", *JUDGED, *typed]) == 2
    assert re.search(message, capfd.readouterr().err)


def test_a_voice_is_left_out_by_name():
    plans = []
    run_app([*JUDGED, "voices.exclude=[male_us]"], lambda plan, config: plans.append(plan) or 0)
    assert [voice.name for voice in plans[0].voices] == ["female_gb", "female_us", "male_gb"]
