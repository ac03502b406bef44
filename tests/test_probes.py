import pytest
import yaml

from evalkit.errors import DataError
from evalkit.probes import read_probes
from evalkit.resources import resource


def test_the_shipped_set():
    found = read_probes(resource("probes/demo.yaml"))
    assert (found.name, found.version, len(found.probes)) == ("demo", 1, 7)
    assert [probe.id for probe in found.only(["name", "canoe"]).probes] == ["name", "canoe"]
    with pytest.raises(DataError, match="no probe 'nmae'; it has: canoe"):
        found.only(["nmae"])


def entries(*pairs):
    return {"name": "x", "version": 1, "language": "en", "probes": [{"id": id, "text": text} for id, text in pairs]}


WRONG = {
    "twice": (entries(("a", "x"), ("a", "y")), "'a' is used twice"),
    "empty text": (entries(("a", "x"), ("b", "  ")), "'b' has an empty text"),
    "none": (entries(), "has no probes"),
    "no version": ({"name": "x", "language": "en", "probes": []}, "version"),
}


@pytest.mark.parametrize("case", WRONG)
def test_refuses(tmp_path, case):
    content, message = WRONG[case]
    (tmp_path / "probes.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(DataError, match=message):
        read_probes(tmp_path / "probes.yaml")
