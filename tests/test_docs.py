"""The examples in the documentation, run as they stand."""

import re

import pytest

from evalkit.__main__ import main
from evalkit.resources import resource
from tests.conftest import rows_of


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", resource(page).read_text(), flags=re.DOTALL)


def test_the_worked_example_of_an_engine(typed, tmp_path, capfd, monkeypatch):
    (code,), (node,) = (blocks("docs/adding-an-engine.md", language) for language in ("python", "yaml"))
    (tmp_path / "parrot.py").write_text(code)
    (tmp_path / "my_configs/engine").mkdir(parents=True)
    (tmp_path / "my_configs/engine/parrot.yaml").write_text(node)
    monkeypatch.syspath_prepend(tmp_path)
    rest = [word for word in typed if word != "engine=tone"]
    command = ["run", "--config-dir", f"{tmp_path}/my_configs", *rest, "engine=parrot", "engine.gain=0.1,0.5"]
    assert main(command) == 0
    (folder,) = (tmp_path / "reports/adhoc").iterdir()
    rows = rows_of(folder)
    assert len(rows) == 18
    assert all(row["scores"]["sim_o"] == pytest.approx(1, abs=1e-3) and row["scores"]["wer"] > 0.5 for row in rows)
    assert main([*command[:-1], "engine.gain=2"]) == 2
    assert "engine.gain: " in capfd.readouterr().err
