"""A run whose store is damaged: it is noticed, said once, mended, and no row is another. `bench store` tries more."""

import random
import shutil
import subprocess
import sys

import pytest

from evalkit.__main__ import main
from evalkit.commands.bench_bed import Bed
from evalkit.commands.bench_damage import DAMAGES, VICTIMS, damaged
from evalkit.errors import StorageError
from evalkit.pipeline.sounds import Sounds
from tests.conftest import SENTENCES, environment, folder_of, rows_of

TIMED = ("rtf", "memory_bytes")
TOGETHER = (  # what can be damaged at once, and is still read by the run
    ("sound of a synthesis", "sound of a prompt", "transcript", "embedding", "quality", "acoustics"),
    ("prompt", "speech", "synthesis"),
)


@pytest.fixture(scope="module")
def bed(tmp_path_factory):
    return Bed.made(tmp_path_factory.mktemp("bed") / "bed")


@pytest.mark.parametrize("way", DAMAGES)
def test_whatever_is_damaged_is_noticed_and_mended_and_changes_no_row(bed, tmp_path, way):
    for names in TOGETHER:
        victims = compatible(bed, names)
        found = damaged(bed, tmp_path / "scratch", [(victim, way) for victim in victims], random.Random(1))
        assert found.cases == len(names)
        assert found.is_right, found.said


def compatible(bed, names):
    """Returns victims of which none is made again unread for another's sake."""
    for seed in range(100):
        victims = [VICTIMS[name](bed, random.Random(f"{seed} {name}")) for name in names]
        keys = [victim.key for victim in victims]
        away = {key for victim in victims for _, key in victim.away}
        spoken = {row.synthesis: row.audio for row in bed.rows()}
        if not {spoken.get(key) for key in away} & set(keys):
            return victims
    raise AssertionError("no seed will do")


def test_every_kind_that_there_is_is_damaged(bed):
    made = {folder.name for folder in (bed.root / "store").iterdir() if not folder.name.startswith(".")}
    assert {VICTIMS[name](bed, random.Random(0)).kind.name for name in VICTIMS} == made
    assert len(made) == 8
    assert set(VICTIMS) == {name for names in TOGETHER for name in names}


def run(typed, *more, capfd):
    code = main(["run", *typed, *more])
    return code, capfd.readouterr().err


def rows(tmp_path):
    """Returns the last run's rows, without what no two runs share."""
    return untimed(max((tmp_path / "reports/adhoc").iterdir()))


def untimed(folder):
    return [
        {**row, "cached": None, "synth_seconds": None, "scores": {**row["scores"], **dict.fromkeys(TIMED)}}
        for row in rows_of(folder)
    ]


def test_a_damaged_prompt_is_not_the_engines_fault(typed, tmp_path, capfd):
    """15 utterances need its sound, and after 12 failures with the same error an engine is asked no more."""
    more = ("voices.names=[ann]", "seeds=[0,1,2,3,4]")
    run(typed, *more, capfd=capfd)
    undisturbed = rows(tmp_path)
    spoil(tmp_path, undisturbed[0]["prompt"]["sound"])
    shutil.rmtree(tmp_path / "store/synthesis")
    code, err = run(typed, *more, capfd=capfd)
    assert code == 0
    assert rows(tmp_path) == undisturbed
    assert err.count("damaged in the store") == 1
    assert "synthesis: 15/15, 0 cached, 0 failed" in err
    assert "Traceback" not in (max((tmp_path / "reports/adhoc").iterdir()) / "run.log").read_text()


def test_a_closed_loop_decides_by_all_its_phrases_whatever_is_damaged(typed, tmp_path, capfd):
    """Told to listen to the words, `tone` clones well only with those of the second pass, which hears each "e"."""
    hears = "{_target_: evalkit.judges.fake.WhistleReader}"
    mishears = "{_target_: evalkit.judges.fake.WhistleReader, mishear: e}"
    more = [f"ears.passes=[{mishears}, {hears}]", "engine.needs=e", "engine.jitter=1", "prompt.clips=1"]
    more += ["prompt.text=closed_loop", "voices.names=[ann,ben]"]
    run(typed, *more, capfd=capfd)
    undisturbed = rows(tmp_path)
    assert {row["prompt"]["text"] for row in undisturbed} == {SENTENCES[0]}
    named = {row["audio"] for row in undisturbed} | {row["prompt"]["sound"] for row in undisturbed}
    tried = sorted({path.stem for path in (tmp_path / "store/sound").rglob("*.flac")} - named)
    assert len(tried) == 2 * 2 * 4 * 2  # voices, candidates, phrases, seeds
    shutil.rmtree(tmp_path / "store/prompt")
    for sound in tried:
        spoil(tmp_path, sound)
        for path in (tmp_path / "store/embedding").rglob(f"{sound}-*"):
            path.unlink()
    code, err = run(typed, *more, capfd=capfd)
    assert code == 0
    assert rows(tmp_path) == undisturbed
    assert err.count("damaged in the store") == len(tried)


def spoil(tmp_path, sound):
    path = tmp_path / f"store/sound/{sound[:2]}/{sound}.flac"
    path.write_bytes(path.read_bytes()[:-200])


def test_a_dry_run_says_what_it_finds_damaged(typed, tmp_path, capfd):
    run(typed, capfd=capfd)
    path = next((tmp_path / "store/synthesis").rglob("*.json"))
    path.write_bytes(b"")
    assert main(["run", *typed, "dry_run=true"]) == 0
    shown = capfd.readouterr()
    assert shown.err == f"damaged in the store, set aside, to be made again: synthesis {path.stem[:12]}\n"
    assert "9: 8 cached, 1 to do" in shown.out


def test_a_sound_that_cannot_be_kept_ends_the_run_with_a_reason(bed):
    sounds = Sounds(bed.artefacts)
    with pytest.raises(StorageError, match="the store does not keep what is written to it"):
        sounds.made_whole(lambda: sounds.read("0" * 64), list)
    assert sounds.lost == {"0" * 64}


def test_two_runs_of_a_plan_at_once_make_the_same_rows_and_leave_a_whole_store(typed, tmp_path):
    command = [sys.executable, "-m", "evalkit", "run", *typed, "prompt.seconds=1,2", "prompt.trim=true", "seeds=[0,1]"]
    options = {
        "cwd": tmp_path,
        "env": environment(),
        "text": True,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
    }
    both = [subprocess.Popen(command, **options) for _ in range(2)]
    done = [subprocess.CompletedProcess(command, None, *process.communicate()) for process in both]
    assert [process.returncode for process in both] == [0, 0], done
    one, two = (folder_of(each) for each in done)
    assert one != two
    assert untimed(one) == untimed(two)
    assert len(rows_of(one)) == 2 * 3 * 3 * 2
    assert not any("damaged" in each.stderr for each in done)
    assert main(["store", "verify", f"store={tmp_path}/store"]) == 0
    assert [path for path in (tmp_path / "store").rglob("*") if path.suffix == ".part"] == []
