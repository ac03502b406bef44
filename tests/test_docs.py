"""The examples in the documentation, run as they stand."""

import re

import pytest

from evalkit.resources import resource


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", resource(page).read_text(), flags=re.DOTALL)


def test_the_worked_example_of_an_engine(run, tmp_path, monkeypatch):
    (code,), (node,) = (blocks("docs/adding-an-engine.md", language) for language in ("python", "yaml"))
    (tmp_path / "parrot.py").write_text(code)
    (tmp_path / "my_configs/engine").mkdir(parents=True)
    (tmp_path / "my_configs/engine/parrot.yaml").write_text(node)
    monkeypatch.syspath_prepend(tmp_path)
    typed = ("--config-dir", f"{tmp_path}/my_configs", "engine=parrot")
    done = run(*typed, "engine.gain=0.1,0.5")
    assert done.code == 0
    assert len(done.rows) == 18
    for row in done.rows:
        assert row["scores"]["sim_o"] == pytest.approx(1, abs=1e-3)
        assert row["scores"]["wer"] > 0.5
    refused = run(*typed, "engine.gain=2")
    assert refused.code == 2
    assert "engine.gain: " in refused.err
