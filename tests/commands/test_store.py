"""`store verify | size | prune`, on the store of small runs of the fakes."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import time

import pytest

from evalkit.__main__ import main
from evalkit.commands.bench_bed import Bed
from tests.conftest import environment, report_of, rows_of

# What the bed's run makes: 2 voices with 3 clips each, and 2 probes.
SYNTHESES, PROMPTS, RECORDINGS = 4, 2, 6
SOUNDS = SYNTHESES + PROMPTS  # recordings are heard, and not kept
KINDS = ("sound", "prompt", "synthesis", "transcript", "speech", "embedding", "quality", "acoustics")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return Bed.made(tmp_path_factory.mktemp("finished") / "bed")


@pytest.fixture
def bed(finished, tmp_path):
    """A finished run with its store and its report, to do with as one likes."""
    shutil.copytree(finished.root, tmp_path, dirs_exist_ok=True)
    return Bed(tmp_path)


@pytest.fixture
def store(tmp_path, capfd):
    """Types `store ACTION ...` for the bed; gives exit code, output and errors."""

    def command(*words):
        code = main(["store", *words, f"store={tmp_path}/store", f"reports_dir={tmp_path}/reports"])
        return code, *capfd.readouterr()

    return command


@pytest.fixture
def run(bed, tmp_path):
    """Types the bed's run with more; gives the run's folder and what it said."""

    def command(*more):
        code, said = bed.run(tmp_path / "store", tmp_path / "reports", *more)
        assert code == 0, said
        return newest(tmp_path), said

    return command


def newest(tmp_path):
    return max(tmp_path.glob("reports/*/*"), key=lambda folder: folder.name)


def cells(out):
    """Returns the cells of a table by its first column."""
    lines = [re.split(r"\s{2,}", line.strip()) for line in out.splitlines()]
    return {first: rest for first, *rest in lines if rest}


def files(tmp_path):
    return sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "store").rglob("*.*") if path.is_file())


def test_verify_says_that_all_is_whole(bed, store):
    code, out, err = store("verify")
    assert (code, err) == (0, "")
    assert [cells(out)[kind][1] for kind in KINDS] == ["0"] * 8
    assert cells(out)["sound"][0] == str(SOUNDS)
    assert re.fullmatch(r"all \d+ artefacts are whole", out.splitlines()[-1])


def spoil(tmp_path, kind, count):
    """Cuts the first artefacts of a kind short; returns their keys."""
    paths = sorted((tmp_path / "store" / kind).rglob("*.*"))[:count]
    for path in paths:
        path.write_bytes(path.read_bytes()[:-1])
    return [path.stem for path in paths]


def test_verify_names_what_is_damaged_sets_it_aside_and_the_next_run_makes_it_again(bed, run, store, tmp_path):
    (sound,) = spoil(tmp_path, "sound", 1)
    spoil(tmp_path, "embedding", 2)
    before = files(tmp_path)
    code, out, err = store("verify", "dry_run=true")
    assert code == 1
    assert err.splitlines()[0] == f"damaged in the store: sound {sound[:12]}"
    assert (len(err.splitlines()), files(tmp_path)) == (3, before)
    assert (cells(out)["sound"], cells(out)["embedding"][1]) == ([str(SOUNDS), "1"], "2")
    assert "are damaged; left where they are" in out

    code, out, err = store("verify")
    assert code == 1
    assert err.splitlines()[0] == f"damaged in the store, set aside, to be made again: sound {sound[:12]}"
    assert out.splitlines()[-1].startswith("3 of ")
    assert len(list((tmp_path / "store/.damaged").glob("*/*"))) == 3
    assert store("verify")[0] == 0

    again, said = run()
    assert "damaged" not in said
    assert [row["audio"] for row in rows_of(again)] == [row.audio for row in bed.rows()]
    assert len(files(tmp_path)) == len(before) + 3  # those that were set aside


def test_verify_finds_a_damaged_sound_that_no_run_reads_since_all_is_known_of_it(bed, run, store, tmp_path):
    spoil(tmp_path, "sound", SOUNDS)
    _, said = run()
    assert "damaged" not in said
    assert cells(store("verify")[1])["sound"][1] == str(SOUNDS)


def test_verify_goes_on_where_nothing_can_be_set_aside(bed, store, tmp_path):
    keys = spoil(tmp_path, "acoustics", 2)
    (tmp_path / "store/.damaged").write_text("a file where the folder should be")
    code, out, err = store("verify")
    assert code == 1
    assert "cannot write" in err
    assert all(f"damaged in the store: acoustics {key[:12]}" in err for key in keys)
    assert cells(out)["acoustics"][1] == "2"


def test_size_counts_every_kind_what_is_set_aside_and_what_is_begun(bed, store, tmp_path):
    spoil(tmp_path, "synthesis", 2)
    store("verify")
    (tmp_path / "store/.parts/.dead.part").write_bytes(b"x" * 1500)
    found = cells(store("size")[1])
    assert found["synthesis"][0] == str(SYNTHESES - 2)
    assert found["set aside"][0] == "2"
    assert found["begun"] == ["1", "1.5 kB"]
    assert int(found["total"][0]) == sum(int(found[kind][0]) for kind in (*KINDS, "set aside", "begun"))
    sounds = sum(path.stat().st_size for path in (tmp_path / "store/sound").rglob("*.flac"))
    assert found["sound"] == [str(SOUNDS), f"{sounds / 1000:.1f} kB"]


def test_what_no_report_names_is_said_first_and_then_removed(bed, run, store, tmp_path):
    _, out, _ = store("prune", "--yes")
    assert out.splitlines()[0] == f"1 reports below {tmp_path}/reports, 0 of them of unfinished runs"
    assert out.splitlines()[-1] == "nothing to free"
    named = files(tmp_path)
    gone, _ = run("prompt.seconds=1")
    everything = files(tmp_path)
    shutil.rmtree(gone)

    assert store("prune", "dry_run=true", "--yes")[0] == 0
    assert files(tmp_path) == everything
    code, out, _ = store("prune")  # there is nobody to be asked
    assert code == 0
    assert out.splitlines()[-1] == "nothing was removed; to remove it, add --yes"
    assert files(tmp_path) == everything
    found = cells(out)
    assert (found["synthesis"][0], found["synthesis"][2]) == (str(SYNTHESES), str(SYNTHESES))
    assert (found["sound"][0], found["sound"][2]) == (str(SOUNDS), str(SOUNDS))

    code, out, _ = store("prune", "--yes")
    assert code == 0
    assert re.fullmatch(r"removed \d+ artefacts, [\d.]+ kB", out.splitlines()[-1])
    assert files(tmp_path) == named

    kept = rows_of(newest(tmp_path))
    again, said = run()
    assert [{**row, "cached": False} for row in rows_of(again)] == kept
    assert re.findall(r"^(\w+).*?: (\d+)/(\d+), (\d+) cached, 0 failed", said, re.MULTILINE) == [
        (stage, number, number, number)
        for stage, number in (
            ("prompts", str(PROMPTS)),
            ("transcripts", str(SYNTHESES + RECORDINGS)),
            ("embeddings", str(SYNTHESES + RECORDINGS + PROMPTS)),
            ("acoustics", str(SYNTHESES + RECORDINGS)),
            ("synthesis", str(SYNTHESES)),
            ("quality", str(SYNTHESES)),
        )
    ]


def test_a_closed_loop_is_not_gone_through_again_after_a_prune(run, store, tmp_path):
    hears = "{_target_: evalkit.judges.fake.WhistleReader}"
    mishears = "{_target_: evalkit.judges.fake.WhistleReader, mishear: e}"
    loop = ("prompt.text=closed_loop", f"ears.passes=[{hears}, {mishears}]", "engine.jitter=1")
    run(*loop)
    _, out, _ = store("prune", "--yes")
    assert cells(out)["synthesis"][2] == str(2 * 2 * 4 * 2)  # voices, candidates, phrases, seeds: no row names them
    _, said = run(*loop)
    assert "closed loop" not in said
    assert f"synthesis: {SYNTHESES}/{SYNTHESES}, {SYNTHESES} cached" in said


def test_what_an_interrupted_run_made_is_kept_even_before_it_has_rows(bed, run, store, tmp_path):
    shutil.rmtree(tmp_path / "reports")
    more = ["seeds=[0,1,2,3,4,5]", "engine.jitter=1"]
    words = [*bed.typed(tmp_path / "store", tmp_path / "reports"), *more, "engine.delay=0.1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "evalkit", "run", *words],
        cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while len(list((tmp_path / "store/synthesis").rglob("*.json"))) < SYNTHESES + 4:
        assert process.poll() is None
        time.sleep(0.02)
    code, _, err = store("prune", "--yes")
    assert code == 1
    assert f"a run is using the store {tmp_path}/store; type the same command when it has ended" in err
    process.kill()
    process.wait()
    folder = newest(tmp_path)
    assert report_of(folder)["status"] == "interrupted"
    assert not (folder / "utterances.jsonl").exists()
    made = len(list((tmp_path / "store/synthesis").rglob("*.json"))) - SYNTHESES
    code, out, _ = store("prune", "--yes")
    assert code == 0
    assert "1 of them of unfinished runs" in out
    assert (cells(out)["synthesis"][0], cells(out)["synthesis"][2]) == (str(made), str(SYNTHESES))
    _, said = run(*more)
    assert f"going on with the unfinished run {folder.name}" in said
    assert f"synthesis: 24/24, {made} cached" in said


def damage_report(folder):
    (folder / "report.json").write_text("{")


def from_the_future(folder):
    report = report_of(folder)
    (folder / "report.json").write_text(json.dumps({**report, "schema_version": 99}))


def damage_rows(folder):
    (folder / "utterances.jsonl").write_text("{}\n")


def lose_a_row(folder):
    lines = (folder / "utterances.jsonl").read_text().splitlines(keepends=True)
    (folder / "utterances.jsonl").write_text("".join(lines[:-1]))


def lose_all_rows(folder):
    (folder / "utterances.jsonl").unlink()


def put_a_folder_there(folder):
    (folder / "report.json").unlink()
    (folder / "report.json").mkdir()


UNREADABLE = {
    damage_report: "is not a report",
    from_the_future: "has schema_version 99",
    damage_rows: "utterances.jsonl, line 1",
    lose_a_row: "has 3 rows in utterances.jsonl, its report.json counts 4",
    lose_all_rows: "has 0 rows in utterances.jsonl, its report.json counts 4",
    put_a_folder_there: "report.json is no file",
}


@pytest.mark.parametrize("harm", UNREADABLE)
def test_a_report_that_cannot_be_read_stops_the_prune(bed, store, tmp_path, harm):
    moved = tmp_path / "reports/old/kept"  # wherever below the folder of reports it lies
    moved.parent.mkdir()
    bed.folder.rename(moved)
    harm(moved)
    everything = files(tmp_path)
    code, out, err = store("prune", "--yes")
    assert (code, out) == (1, "")
    assert UNREADABLE[harm] in err
    assert "nothing was removed" in err
    assert files(tmp_path) == everything


def test_reports_that_are_linked_and_reports_that_were_moved_count(bed, run, store, tmp_path):
    other, _ = run("prompt.clips=1")  # not cut: what was heard to cut one is of no more use
    one = bed.folder
    everything = files(tmp_path)
    one.rename(tmp_path / "elsewhere")
    (tmp_path / "reports/adhoc/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "reports/adhoc/round").symlink_to(tmp_path / "reports")
    (tmp_path / "reports/2025/spring").mkdir(parents=True)
    other.rename(tmp_path / "reports/2025/spring/other")
    _, out, _ = store("prune", "--yes")
    assert out.startswith("2 reports below")
    assert files(tmp_path) == everything


def test_leftovers_go_with_a_prune(bed, store, tmp_path):
    spoil(tmp_path, "synthesis", 2)
    store("verify")
    (tmp_path / "store/.parts/.dead.part").write_bytes(b"x")
    found = cells(store("prune", "--yes")[1])
    assert (found["set aside"][2], found["begun"][2]) == ("2", "1")
    assert list((tmp_path / "store/.parts").iterdir()) == []
    assert not (tmp_path / "store/.damaged").exists()


@pytest.mark.parametrize(("answer", "is_removed"), [("y", True), ("", False)])
def test_on_a_terminal_it_asks(bed, tmp_path, answer, is_removed):
    shutil.rmtree(bed.folder)
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "evalkit", "store", "prune", "store=store", "reports_dir=reports"],
        cwd=tmp_path, env=environment(), stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        os.write(master, f"{answer}\n".encode())
        out, err = process.communicate()
    for descriptor in (master, slave):
        os.close(descriptor)
    assert process.returncode == 0, err
    assert "remove them? [y/N]" in err
    assert (out.splitlines()[-1] == "nothing was removed") is not is_removed
    assert (list((tmp_path / "store/sound").rglob("*.flac")) == []) is is_removed


REFUSED = {
    ("size", "store={tmp}/nowhere"): "there is no store at {tmp}/nowhere; name the one that your runs had: store=DIR",
    ("size", "store={tmp}/file"): "store: this is no folder",
    ("size", "store={tmp}/file/below"): "there is no store at {tmp}/file/below",
    ("size", "stores={tmp}"): "Could not override 'stores'",
    ("prune", "store={tmp}", "reports_dir={tmp}/nowhere"): "there are no reports at {tmp}/nowhere; name their folder",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_done_is_refused(tmp_path, capfd, words):
    (tmp_path / "file").write_text("no folder")
    assert main(["store", *(word.format(tmp=tmp_path) for word in words)]) == 2
    assert REFUSED[words].format(tmp=tmp_path) in capfd.readouterr().err


def test_it_looks_where_a_run_would(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main(["store", "size"]) == 2
    assert "there is no store at .evalkit/store" in capfd.readouterr().err
    (tmp_path / ".evalkit/store").mkdir(parents=True)
    assert main(["store", "prune"]) == 2
    assert "there are no reports at reports" in capfd.readouterr().err


def test_the_command_is_in_the_help(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "verify, measure or prune what runs have kept" in capsys.readouterr().out
