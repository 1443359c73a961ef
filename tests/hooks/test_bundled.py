"""What every bundled hook has around it, whatever feature it calls."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from gvmpy.home import Home
from gvmpy.hooks import BUNDLED
from gvmpy.hooks.bundled import Bundled
from gvmpy.signals import Signals
from gvmpy.switch.pipeline import Event, HookResult, Run, Scope, Stage, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

EVENT = Event("1.21.6", "1.22.3", Scope.DEFAULT, Stage.POST, "0123")


@dataclass
class Feature:
    """A feature of which a test says what it does; the real ones are tested where they are."""

    work: Callable[[], HookResult]
    reason: str | None = None
    NAME: str = "feature"

    def why_not(self) -> str | None:
        return self.reason

    def apply(self, home: Home, environ: Mapping[str, str], event: Event) -> HookResult:
        return self.work()


def ran(tmp_path: Path, feature: Feature, policy: str = "block") -> HookResult:
    with Signals() as signals:
        hook = Bundled(feature.NAME, feature, Home(tmp_path), {}, signals, timeout=0.2)
        run = Run((Step(hook, Stage.POST, policy),), signals)
        run.stage(EVENT)
    [one] = run.ran
    return one.result


def sleep() -> HookResult:
    time.sleep(300)
    return HookResult("ok")


def break_down() -> HookResult:
    raise KeyError("a secret")


def refuse() -> HookResult:
    raise PermissionError(13, "Permission denied", "/x")


def test_its_time_is_limited(tmp_path: Path) -> None:
    assert ran(tmp_path, Feature(sleep)) == HookResult("failed", ("it did not end within 0.2 s",))
    assert ran(tmp_path, Feature(sleep), "warn").status == "warned"


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (break_down, "the hook broke: KeyError"),
        (refuse, "the system refused `/x`: Permission denied"),
    ],
)
def test_no_mistake_leaves_half_a_switch(
    tmp_path: Path, work: Callable[[], HookResult], message: str
) -> None:
    assert ran(tmp_path, Feature(work)) == HookResult("failed", (message,))


def test_what_is_not_there_is_skipped(tmp_path: Path) -> None:
    assert ran(tmp_path, Feature(break_down, reason="not here")) == HookResult("skipped", ("not here",))


def test_each_says_why_it_does_nothing() -> None:
    for module in BUNDLED:
        reason = module.why_not()
        assert reason is None or reason.startswith("this gvmpy "), module.NAME
