from dataclasses import replace

import yaml

from evalkit.pipeline.plan import Pair, Plan


def test_a_plan_is_the_same_work_only_if_all_is_the_same(planned):
    others = (["engine.detune=1"], ["seeds=[1]"], ["probes.ids=[fox]"], ["voices.names=[ann]"], ["prompt.seconds=1"],
              ["judge.asr.mishear=e"])  # fmt: skip
    plans: list[Plan] = [planned(*more) for more in ([], *others)]
    assert len({plan.sha256 for plan in plans}) == len(plans)
    assert planned().sha256 == planned("engine.delay=1", "device=cpu").sha256 == plans[0].sha256  # where, not what


def test_strata_make_no_other_work(planned, probes):
    plain = planned()
    content = yaml.safe_load(probes.read_text())
    content["probes"] = [{**entry, "stratum": "short"} for entry in content["probes"]]
    probes.write_text(yaml.safe_dump(content))
    assert planned().probes != plain.probes
    assert planned().sha256 == planned("probes.strata=[short]").sha256 == plain.sha256


def test_a_plan_counts_its_utterances(planned):
    plan = planned("engine.detune=1,2", "seeds=[0,1,1]")
    assert plan.size == len(list(plan.utterances(plan.cells))) == 2 * 3 * 3 * 2


def test_what_needs_no_weights_weighs_nothing(planned):
    assert (planned().weight_bytes(), planned().assets()) == (0, [])


def test_pairs_are_spoken_as_listed_and_are_other_work(planned):
    plan = planned("engine.detune=1,2", "seeds=[0,1]")
    first, second, *_ = (voice.name for voice in plan.voices)
    pairs = (Pair("one", second, "fox"), Pair("two", first, "fox"))
    listed = replace(plan, pairs=pairs)
    spoken = [(one.voice.name, one.probe.id) for one in listed.utterances(listed.cells)]
    assert spoken == [(second, "fox")] * 4 + [(first, "fox")] * 4
    assert listed.size == 8
    assert len({plan.sha256, listed.sha256, replace(plan, pairs=pairs[:1]).sha256}) == 3


def test_another_speaker_is_other_work(planned):
    plan = planned()
    voices = (replace(plan.voices[0], speaker="somebody"), *plan.voices[1:])
    assert replace(plan, voices=voices).sha256 != plan.sha256
