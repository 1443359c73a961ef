from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import World, here
from gvmpy.ui.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gvmpy.switch.pipeline import Step

_HEADER = ("HOOK", "STAGE", "KIND", "ON FAILURE", "STATE")


@click.group("hooks", short_help="What is done at each switch.")
def command() -> None:
    """What is done at each switch: the hooks of gvmpy, and your own programs in ~/.gvmpy/hooks."""


@command.command("list", short_help="Show every hook and whether it would run.")
@json_option
def list_(as_json: bool) -> Result:
    """Show every hook in the order they run, what its failure means, and why one would not run."""
    del as_json
    from gvmpy.ui.tables import table

    found = list(_all(here()))
    rows = [
        (
            one["name"],
            one["stage"],
            one["kind"],
            one["policy"],
            one["state"] + (f": {one['reason']}" if one["reason"] else ""),
        )
        for one in found
    ]
    return Result(data={"hooks": found}, text=table(_HEADER, rows))


@command.command("run", short_help="Run one hook without a switch.")
@click.argument("name", metavar="NAME")
@json_option
def run(name: str, as_json: bool) -> Result:
    """Run the hook NAME for the default as it is, whatever the settings say of it; exit with 1 if it fails.

    Of two programs with the same name, say which: `pre-switch/NAME` or `post-switch/NAME`.
    """
    from gvmpy.cli.switching import hook_notes, surroundings, switcher
    from gvmpy.hooks import steps
    from gvmpy.signals import Signals
    from gvmpy.switch.pipeline import Scope
    from gvmpy.switch.transaction import refuse_within_hook

    world = here()
    refuse_within_hook(world.environ, "gvmpy hooks run")
    with Signals() as signals:
        step = _named(name, steps(surroundings(world, signals, quiet=as_json), Scope.DEFAULT))
        outcome = switcher(world, signals, quiet=as_json).run_alone(step)
    [ran] = outcome.ran
    status = ran.result.status
    notes = outcome.notes + hook_notes(outcome.ran)
    if status == "skipped":
        notes += tuple(f"hook `{ran.name}` has nothing to do: {reason}" for reason in ran.result.messages)
    text = f"hook `{ran.name}` is done" if status == "ok" else ""
    return Result(data=ran.as_data(), text=text, notes=notes, exit_code=int(status == "failed"))


def _named(name: str, steps: list[Step]) -> Step:
    from gvmpy.errors import UsageError

    found = [step for step in steps if name in {step.hook.name, f"{step.stage.value}/{step.hook.name}"}]
    if not found:
        raise UsageError(f"there is no hook `{name}`", hint="gvmpy hooks list")
    if len(found) > 1:
        raise UsageError(
            f"there are two hooks called `{name}`", hint=f"gvmpy hooks run {found[0].stage.value}/{name}"
        )
    return found[0]


def _all(world: World) -> Iterator[dict[str, Any]]:
    """Yield what there is to say of each hook."""
    from gvmpy.hooks import BUNDLED
    from gvmpy.hooks.user import find
    from gvmpy.switch.pipeline import Stage

    for stage in (Stage.PRE, Stage.POST):
        for module in BUNDLED if stage is Stage.POST else ():
            policy, skipped = world.config.hook_policy(module.NAME), module.why_not()
            yield _row(module.NAME, stage, "bundled", policy, skipped=skipped)
        for each in find(world.home):
            if each.stage is stage:
                row = _row(
                    each.path.name,
                    stage,
                    "user",
                    world.config.hook_policy("user"),
                    refused=each.refusal,
                    skipped=each.reason,
                )
                yield row | {"path": str(each.path)}


def _row(
    name: str, stage: str, kind: str, policy: str, *, refused: str | None = None, skipped: str | None = None
) -> dict[str, str | None]:
    state = "off" if policy == "off" else "skipped" if skipped else "refused" if refused else "ready"
    return {
        "name": name,
        "stage": str(stage),
        "kind": kind,
        "policy": policy,
        "state": state,
        "reason": None if state == "off" else skipped or refused,
        "path": None,
    }
