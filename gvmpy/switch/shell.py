"""A switch of one shell, as far as hooks are concerned: the shell itself takes the choice over, or not."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from gvmpy.switch.pipeline import Event, Run, Scope, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gvmpy.signals import Signals
    from gvmpy.switch.pipeline import Ran, Step


def ask_hooks(
    before: str | None, after: str | None, steps: Sequence[Step], signals: Signals
) -> tuple[bool, tuple[Ran, ...]]:
    """Run the hooks of both stages; return whether the shell may choose `after`, and what they said.

    Two shells do not wait for each other: there is nothing that they share. Raises Interrupted as
    gvmpy.switch.transaction does, when what had begun is put right.
    """
    run, switch = Run(steps, signals), secrets.token_hex(8)
    passed = False
    try:
        passed = all(
            run.stage(Event(before, after, Scope.SHELL, stage, switch)) for stage in (Stage.PRE, Stage.POST)
        )
    finally:
        if not passed:
            back = Event(after, before, Scope.SHELL, Stage.ROLL_BACK, switch)
            run.put_right(back, started_only=True)
    return passed, tuple(run.ran)
