"""What is done at a switch: four bundled hooks, thin files over the features, and the user's own programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.hooks import compliance, goland, secrets, settings
from gvmpy.hooks.bundled import Bundled
from gvmpy.hooks.user import Found, UserHook, find
from gvmpy.switch.pipeline import Scope, Stage, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gvmpy.config import Config
    from gvmpy.home import Home
    from gvmpy.signals import Signals

BUNDLED = (settings, secrets, goland, compliance)
"""In the order they run, after the flip: when secrets and the IDE come, the settings are settled."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What hooks are made of. `tell` shows a line that a program printed, after the name of its hook."""

    home: Home
    environ: Mapping[str, str]
    config: Config
    signals: Signals
    tell: Callable[[str, str], None]


def steps(around: Surroundings, scope: Scope) -> list[Step]:
    """Return the hooks of a switch in their order, with what the settings say of each.

    The bundled ones see to what lasts, and so come with the default alone; one shell's choice has the user's
    own. Raises HostError when a directory of hooks cannot be read.
    """
    config = around.config
    found = [
        Step(_user(around, each), each.stage, config.hook_policy("user"))
        for each in find(around.home)
        if each.reason is None
    ]
    if scope is Scope.SHELL:
        return found
    own = [
        Step(
            Bundled(module.NAME, module, around.home, around.environ, around.signals, config.hook_timeout),
            Stage.POST,
            config.hook_policy(module.NAME),
        )
        for module in BUNDLED
    ]
    return own + found


def _user(around: Surroundings, found: Found) -> UserHook:
    return UserHook(
        found, around.home, around.environ, around.signals, around.config.hook_timeout, around.tell
    )
