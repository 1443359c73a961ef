"""What `use`, `undo`, `uninstall` and `hooks` share: a switch with its hooks, and how it is told."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gvmpy.hooks import Surroundings, steps
from gvmpy.signals import Interrupted, Signals
from gvmpy.switch import journal
from gvmpy.switch.default import as_before, default_version
from gvmpy.switch.pipeline import Scope
from gvmpy.switch.transaction import Switcher
from gvmpy.ui.edge import talk
from gvmpy.ui.result import Result
from gvmpy.ui.style import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gvmpy.cli.world import World
    from gvmpy.switch.pipeline import Ran
    from gvmpy.switch.transaction import Outcome
    from gvmpy.version import GoVersion


def surroundings(world: World, signals: Signals, *, quiet: bool) -> Surroundings:
    """Return what hooks are made of; `quiet` shows nothing of what they print."""
    return Surroundings(world.home, world.environ, world.config, signals, _hush if quiet else _tell)


def switcher(world: World, signals: Signals, *, quiet: bool) -> Switcher:
    """Return what changes the default of this world, with all its hooks."""
    hooks = steps(surroundings(world, signals, quiet=quiet), Scope.DEFAULT)
    on_wait = None if quiet else partial(talk, "waiting for another switch to end")
    return Switcher(world.home, hooks, signals, lock_timeout=world.config.lock_timeout, on_wait=on_wait)


def settle(world: World, *, quiet: bool) -> None:
    """Put right what a crash in the middle of a switch left, for a command that asks what the default is
    before it takes the lock; tell of it.
    """
    if journal.is_there(world.home):
        with Signals() as signals:
            for note in switcher(world, signals, quiet=quiet).recover():
                if not quiet:
                    talk(note)


def change_default(
    world: World, change: Callable[[Switcher], Outcome], *, quiet: bool, notes: tuple[str, ...] = ()
) -> Result:
    """Do `change`, and tell how it ended; exit code 1 where a hook was in the way."""
    from gvmpy.shells.shims import write_shims

    world.home.prepare()
    write_shims(world.home)
    with Signals() as signals:
        try:
            outcome = change(switcher(world, signals, quiet=quiet))
        except Interrupted:
            if not quiet:
                talk(as_before(default_version(world.home)))
            raise
    record, link = outcome.record, world.home.default_link
    done = record.outcome == "done"
    now = (record.after if done else record.before).name
    data = {
        "default": now,
        "before": record.before.name,
        "link": str(link),
        "outcome": record.outcome,
        "hooks": [ran.as_data() for ran in outcome.ran],
    }
    notes += (*outcome.notes, *hook_notes(outcome.ran))
    if not done:
        return Result(data=data, notes=(*notes, as_before(now)), exit_code=1)
    if own := world.environ.get("GVMPY_VERSION"):
        notes += (f"note: this shell keeps its own choice, {own}\nhint: gvmpy use --unset",)
    text = f"the default is now {now} ({link})" if now else "there is no default now"
    return Result(data=data, text=text, notes=notes)


def forget_default(world: World, version: GoVersion, *, quiet: bool) -> tuple[bool, tuple[str, ...]]:
    """Have no default any more if it was `version`; return whether it was, and what there is to tell."""
    with Signals() as signals:
        return switcher(world, signals, quiet=quiet).forget(version)


def ask_shell_hooks(world: World, choice: str | None) -> tuple[bool, tuple[str, ...]]:
    """Run the hooks before this shell makes `choice`; return whether it may, and what there is to tell."""
    from gvmpy.switch.shell import ask_hooks

    before = _own_choice(world)
    with Signals() as signals:
        hooks = steps(surroundings(world, signals, quiet=False), Scope.SHELL)
        may, ran = ask_hooks(before, choice, hooks, signals)
    kept = () if may else (f"this shell's choice stays {before or 'none'}",)
    return may, (*hook_notes(ran), *kept)


def _own_choice(world: World) -> str | None:
    """Return what this shell has chosen, None for text that no choice could be: programs rely on that."""
    from gvmpy.errors import UsageError
    from gvmpy.selection.request import parse_request

    try:
        return str(parse_request(world.environ.get("GVMPY_VERSION", "")))
    except UsageError:
        return None


def hook_notes(ran: Iterable[Ran]) -> tuple[str, ...]:
    """Return what the user is told of hooks: all but what was passed over."""
    return tuple(_lines(ran))


def _lines(ran: Iterable[Ran]) -> Iterator[str]:
    for each in ran:
        name = one_line(each.name)
        lead = {
            "ok": f"{name}: ",
            "warned": f"warning: hook `{name}` at {each.stage.value}: ",
            "failed": f"failed: hook `{name}` at {each.stage.value}: ",
        }.get(each.result.status)
        if lead is not None:
            yield from (lead + one_line(message) for message in each.result.messages)


def _tell(name: str, line: str) -> None:
    talk(f"{one_line(name)}: {one_line(line)}")


def _hush(name: str, line: str) -> None:
    del name, line
