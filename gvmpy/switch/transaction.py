"""A switch of the default as one transaction: it holds wholly, or the default is what it was.

lock, journal, pre-switch hooks, flip, post-switch hooks, history. A hook whose failure blocks, a signal, or a
crash in between puts the link back, and runs the post-switch hooks anew for what holds again. What is decided
by hooks alone is in gvmpy.switch.pipeline.
"""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gvmpy import locks
from gvmpy.errors import HostError, NoSuchVersionError, UsageError
from gvmpy.switch import history, journal
from gvmpy.switch.default import NOTHING, Choice, as_before, current_choice, put
from gvmpy.switch.history import HookLine, Record
from gvmpy.switch.journal import Journal, Phase
from gvmpy.switch.orphans import end_orphans
from gvmpy.switch.pipeline import Event, Run, Scope, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gvmpy.home import Home
    from gvmpy.signals import Signals
    from gvmpy.switch.history import Done
    from gvmpy.switch.pipeline import Ran, Step
    from gvmpy.version import GoVersion

HOOK_VARIABLE = "GVMPY_HOOK"
"""Set for a hook, to its name: what it starts must not wait for the lock that is held for it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a switch ended, and what each hook said; `notes` tell of what else was found or went wrong."""

    record: Record
    ran: tuple[Ran, ...]
    notes: tuple[str, ...]


def refuse_within_hook(environ: Mapping[str, str], command: str) -> None:
    """Raise UsageError where a hook asks for `command`, which would have to wait for that very hook."""
    if name := environ.get(HOOK_VARIABLE):
        raise UsageError(
            f"the hook `{name}` may not call `{command}`: the switch that runs the hook is still under way",
            hint="do that after the switch, or by hand",
        )


class Switcher:
    """Changes the default of one home. `steps` are the hooks to run, `signals` what holds Ctrl-C back;
    `on_wait` is called once when another switch has to end first.

    Every method takes the lock, and first puts right what a crash left. Each raises HostError when the lock
    is held for longer than `lock_timeout` seconds or the disk refuses, and Interrupted after a signal, when
    all is as it was.
    """

    def __init__(
        self,
        home: Home,
        steps: Sequence[Step],
        signals: Signals,
        *,
        lock_timeout: float,
        on_wait: Callable[[], None] | None = None,
    ) -> None:
        self._home = home
        self._steps = steps
        self._signals = signals
        self._lock_timeout = lock_timeout
        self._on_wait = on_wait
        self._notes: list[str] = []

    def switch(self, after: Choice) -> Outcome:
        """Make `after` the default. Raises NoSuchVersionError when it is a version that is not installed."""
        with self._locked():
            return self._switch(after, "use")

    def undo(self) -> Outcome:
        """Take the last change of the default back. Raises UsageError where there is none to take back."""
        with self._locked():
            last = history.last_change(history.read(self._home))
            if last is None:
                raise UsageError("there is no switch to undo", hint="gvmpy history")
            now = current_choice(self._home)
            if now != last.after:
                raise UsageError(
                    f"the default is {now}, and the last switch in the history made it {last.after}",
                    hint="gvmpy use VERSION --default",
                )
            return self._switch(last.before, "undo")

    def forget(self, version: GoVersion) -> tuple[bool, tuple[str, ...]]:
        """Have no default any more if it still is `version`, which is gone; return whether it was, and notes.

        No hook is asked, as none could bring the version back.
        """
        with self._locked():
            before = current_choice(self._home)
            was_default = before.name == version.text
            if was_default:
                put(self._home, NOTHING)
                self._remember(_record(before, NOTHING, "uninstall"))
            return was_default, tuple(self._notes)

    def run_alone(self, step: Step) -> Outcome:
        """Run one hook without a switch, for the default as it is. Its failure is `failed` in any case."""
        with self._locked():
            now = current_choice(self._home)
            run = Run((replace(step, policy="block"),), self._signals)
            record = _record(now, now, "hooks run")
            run.stage(_event(record, step.stage))
            return Outcome(record, tuple(run.ran), tuple(self._notes))

    def recover(self) -> tuple[str, ...]:
        """Put right what a crash left; return what there is to tell of it."""
        with self._locked():
            return tuple(self._notes)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._home.prepare()
        with ExitStack() as stack:
            with self._signals.allowed():
                path = self._home.locks / "default.lock"
                lock = locks.hold(path, timeout=self._lock_timeout, on_wait=self._on_wait)
                held = stack.enter_context(lock)
            self._recover(held=held)
            if held:
                self._sweep()
            yield

    def _switch(self, after: Choice, by: str) -> Outcome:
        with self._signals.allowed():
            pass  # whoever has cut the hooks of a recovery short wants no switch any more
        version = after.ours()
        if version is not None and not self._home.is_installed(version):
            raise NoSuchVersionError(f"{version.name} is not installed", hint=f"gvmpy install {version}")
        record = _record(current_choice(self._home), after, by)
        run = Run(self._steps, self._signals)
        entry = Journal(Phase.CHECKING, os.getpid(), record)
        journal.write(self._home, entry)
        try:
            outcome = self._apply(entry, run)
        except BaseException:
            self._put_back(entry, run, replace(record, outcome="interrupted"))
            raise
        record = replace(record, outcome=outcome)
        return self._put_back(entry, run, record) if outcome == "rolled-back" else self._end(record, run)

    def _apply(self, entry: Journal, run: Run) -> Done:
        """Do what there is to do, as far as hooks let it; say how far that was."""
        record = entry.record
        if not run.stage(_event(record, Stage.PRE)):
            return "refused"
        journal.write(self._home, entry.at(Phase.APPLYING))
        put(self._home, record.after)
        return "done" if run.stage(_event(record, Stage.POST)) else "rolled-back"

    def _put_back(self, entry: Journal, run: Run, record: Record) -> Outcome:
        """Make the default what it was, and let the hooks that began make true what held then."""
        # The journal as it is asks for the same.
        with suppress(HostError):
            journal.write(self._home, entry.at(Phase.ROLLING_BACK))
        self._restore(record.before)
        run.put_right(_event(record, Stage.ROLL_BACK), started_only=True)
        return self._end(record, run)

    def _restore(self, before: Choice) -> None:
        if current_choice(self._home) != before:
            put(self._home, before)

    def _end(self, record: Record, run: Run) -> Outcome:
        """Write the history and close the journal."""
        record = replace(record, hooks=tuple(HookLine.of(ran) for ran in run.ran))
        with suppress(HostError):
            journal.write(self._home, Journal(Phase.DONE, os.getpid(), record))
        self._remember(record)
        journal.clear(self._home)
        return Outcome(record, tuple(run.ran), tuple(self._notes))

    def _recover(self, *, held: bool) -> None:
        """Look for a switch that a crash cut short, and put it right."""
        entry = journal.pending(self._home)
        if entry is None:
            if journal.is_there(self._home):
                self._notes.append("note: the journal of a switch was illegible; the default stays as it is")
                journal.clear(self._home)
            return
        if not held and journal.is_running(entry):
            raise HostError(
                f"another gvmpy, process {entry.process}, is changing the default", hint="wait for it to end"
            )
        record = entry.record
        if entry.phase is not Phase.DONE:
            end_orphans(record.switch)
            run = Run(self._steps, self._signals)
            if entry.phase is not Phase.CHECKING:
                self._restore(record.before)
                run.put_right(_event(record, Stage.ROLL_BACK), started_only=False)
            record = replace(record, outcome="interrupted", hooks=tuple(HookLine.of(ran) for ran in run.ran))
            self._notes.append(
                f"note: a switch to {record.after} was cut short at {record.time};"
                f" {as_before(record.before.name)}"
            )
            self._notes += (
                f"warning: hook `{hook.name}` at {hook.stage}: {hook.message}"
                for hook in record.hooks
                if hook.status == "warned"
            )
            journal.write(self._home, entry.at(Phase.DONE, record))
        self._remember(record)
        journal.clear(self._home)

    def _sweep(self) -> None:
        """Remove the files and links that a crash kept from being renamed to their place."""
        home = self._home
        for place in (journal.file_of(home), history.file_of(home), home.default_link):
            for path in place.parent.glob(f".{place.name}.*"):
                with suppress(OSError):
                    path.unlink()

    def _remember(self, record: Record) -> None:
        """Put `record` into the history. A full disk takes nothing back: it is told."""
        try:
            history.append(self._home, record)
        except HostError as error:
            self._notes.append(f"note: the history does not tell of this switch: {error.message}")


def _record(before: Choice, after: Choice, by: str) -> Record:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Record(secrets.token_hex(8), now, before, after, by, "done")


def _event(record: Record, stage: Stage) -> Event:
    """Return the event for hooks; on the way back it is the old default that comes."""
    before, after = record.before.name, record.after.name
    if stage is Stage.ROLL_BACK:
        before, after = after, before
    return Event(before, after, Scope.DEFAULT, stage, record.switch)
