"""Fixtures: a plan of the fakes, and its run without a command line."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evalkit.config.app import run_app
from evalkit.pipeline.events import Deaf, Event, Listener
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.run import Orders, Outcome, execute
from evalkit.pipeline.workspace import Workspace
from evalkit.store.directory import Directory
from tests.conftest import without


class Noted:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def hear(self, event: Event) -> None:
        self.events.append(event)


@pytest.fixture
def planned(typed: list[str]) -> Callable[..., Plan]:
    """Returns the plan of what is typed, and of more."""

    def plan(*more: str, drop: tuple[str, ...] = ()) -> Plan:
        plans: list[Plan] = []
        keys = [word.split("=")[0] for word in more]
        run_app([*more, *without(typed, *keys, *drop)], lambda plan, config: plans.append(plan) or 0)
        return plans[0]

    return plan


@pytest.fixture
def executed(tmp_path: Path) -> Callable[..., Outcome]:
    """Runs a plan into `tmp_path / "run"`."""

    def run(plan: Plan, listener: Listener | None = None, memory: str = "keep", **more: object) -> Outcome:
        folder = tmp_path / "run"
        folder.mkdir(exist_ok=True)
        workspace = Workspace.of(plan, Directory(tmp_path / "store"), listener or Deaf(), "this", memory)
        orders = Orders(books=tmp_path / "transcripts", command="a test", started=time.perf_counter())
        return execute(plan, workspace, folder, orders, **more)

    return run
