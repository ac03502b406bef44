"""Files of margins: which are read, which are refused, and what a margin allows."""

import pytest
import yaml

from evalkit.analysis.margins import Ratio, allowed, read_margins
from evalkit.errors import DataError
from evalkit.resources import resource


def test_margins_are_read_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "gate.yaml"
    path.write_text("margins: {wer: 0.01, sim: 1, rtf: {ratio: 1.2}}")
    assert list(read_margins(path).items()) == [("wer", 0.01), ("sim", 1.0), ("rtf", Ratio(1.2))]


@pytest.mark.parametrize(
    ("margin", "value", "higher_is_better", "most"),
    [
        (0.02, 0.5, True, 0.02),
        (0.02, -0.5, False, 0.02),
        (Ratio(1.25), 0.4, False, 0.1),  # a quarter more: 0.5
        (Ratio(1.25), 0.4, True, 0.08),  # a fifth less: 0.32, of which 0.4 is a quarter more
        (Ratio(3), 0.0, False, 0.0),
    ],
)
def test_a_ratio_allows_as_much_up_as_down(margin, value, higher_is_better, most):
    assert allowed(margin, value, higher_is_better=higher_is_better) == pytest.approx(most)


def test_the_margins_of_a_cpu_are_those_of_the_gate_but_for_times():
    gate, cpu = (read_margins(resource(f"configs/{name}.yaml")) for name in ("gate", "gate_cpu"))
    assert cpu == {**gate, "rtf": Ratio(3, 0.3)}


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[1, 2]", "the whole file: expected a dictionary"),
        ("margins: [sim, wer]", "margins: input should be a valid dictionary"),
        ("margins: {}", "has no margins"),
        ("margins:", "margins: input should be a valid dictionary"),
        ("other: 1", "margins: is missing"),
        ("margins: {sim: -0.1}", "greater than 0"),
        ("margins: {sim: 0}", "greater than 0"),
        ("margins: {sim: .nan}", "finite number|greater than 0"),
        ("margins: {sim: .inf}", "finite number"),
        ("margins: {sim: yes}", "margins.sim"),
        ("margins: {sim: '0.1'}", "margins.sim"),
        ("margins: {sim: null}", "margins.sim"),
        ("margins: {1: 0.1}", "margins.1"),
        ("margins: {rtf: {ratio: 1}}", "greater than 1"),
        ("margins: {rtf: {ratio: .inf}}", "finite number"),
        ("margins: {rtf: {ratio: 2, more: 3}}", "more"),
        ("margins: {sim: 0.1}\nmargins: {wer: 0.1}", "margins"),
        ("{", "line 1|line 2"),
    ],
)
def test_a_file_that_has_no_sound_margins_is_refused(tmp_path, content, complaint):
    path = tmp_path / "gate.yaml"
    path.write_text(content)
    with pytest.raises(DataError, match=complaint) as raised:
        read_margins(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_shipped_margins_are_of_metrics_that_there_are():
    from evalkit.metrics import metrics_of

    known = {"failed", *(metric.name for metric in metrics_of(["any"], [("dnsmos_ovrl", "dnsmos")]))}
    assert set(yaml.safe_load(resource("configs/gate.yaml").read_text())["margins"]) <= known
