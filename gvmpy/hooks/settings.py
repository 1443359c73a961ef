"""The Go settings of the profile that belongs to the new default."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from gvmpy.switch.pipeline import HookResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gvmpy.home import Home
    from gvmpy.switch.pipeline import Event

NAME = "settings"
_PROFILES = "gvmpy.profiles.apply"


def why_not() -> str | None:
    """Return why there is nothing to do; None when there may be."""
    try:
        import_module(_PROFILES)
    except ModuleNotFoundError:
        return "this gvmpy has no settings profiles"
    return None


def apply(home: Home, environ: Mapping[str, str], event: Event) -> HookResult:
    """Put the profile of `event.after` in force."""
    profiles = import_module(_PROFILES)
    return HookResult("ok", tuple(profiles.apply_for_switch(home, environ, event.after or "")))
