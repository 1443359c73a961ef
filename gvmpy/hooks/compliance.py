"""What the policy says to the new default. There is no such feature yet: this file is its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gvmpy.switch.pipeline import HookResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gvmpy.home import Home
    from gvmpy.switch.pipeline import Event

NAME = "compliance"
_REASON = "this gvmpy checks no policy"


def why_not() -> str | None:
    """Return why there is nothing to do; None when there may be."""
    return _REASON


def apply(home: Home, environ: Mapping[str, str], event: Event) -> HookResult:
    """Do nothing, and say so."""
    del home, environ, event
    return HookResult("skipped", (_REASON,))
