"""The Go settings of the profile that belongs to the new default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gvmpy.switch.pipeline import HookResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gvmpy.home import Home
    from gvmpy.switch.pipeline import Event

NAME = "settings"


def why_not() -> str | None:
    """Return why there is nothing to do; None, as some profile always holds."""
    return None


def apply(home: Home, environ: Mapping[str, str], event: Event) -> HookResult:
    """Put the profile of `event.after` in force."""
    from gvmpy.profiles.apply import apply_for_switch

    return HookResult("ok", tuple(apply_for_switch(home, environ, event.after or "")))
