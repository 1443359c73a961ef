"""A bundled hook: one module over one feature, given its limit in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gvmpy.signals import TimeIsUp
from gvmpy.switch.pipeline import HookResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gvmpy.home import Home
    from gvmpy.signals import Signals
    from gvmpy.switch.pipeline import Event


class Feature(Protocol):
    """What each module of a bundled hook offers."""

    NAME: str

    def why_not(self) -> str | None:
        """Return why there is nothing to do in this gvmpy; None when there may be."""

    def apply(self, home: Home, environ: Mapping[str, str], event: Event) -> HookResult:
        """Make true what should hold for `event.after`; again and again, if asked to."""


@dataclass(frozen=True, slots=True)
class Bundled:
    """A hook that is part of gvmpy; `timeout` in seconds."""

    name: str
    feature: Feature
    home: Home
    environ: Mapping[str, str]
    signals: Signals
    timeout: float

    def run(self, event: Event) -> HookResult:
        """Let the feature work, for so long and no longer."""
        reason = self.feature.why_not()
        if reason is not None:
            return HookResult("skipped", (reason,))
        try:
            with self.signals.limit(self.timeout):
                return self.feature.apply(self.home, self.environ, event)
        except TimeIsUp:
            return HookResult("failed", (f"it did not end within {self.timeout:g} s",))
