"""The user's own hooks: programs in hooks/pre-switch.d and hooks/post-switch.d, in the order of their names.

What is no program, or an editor's leaving, is passed over, as run-parts(8) does. What others could change is
not run, and counts as failed: it must not go unnoticed.
"""

from __future__ import annotations

import os
import re
import signal
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.errors import HostError
from gvmpy.hooks.program import run_program
from gvmpy.hooks.safety import why_unsafe
from gvmpy.switch.orphans import SWITCH_VARIABLE
from gvmpy.switch.pipeline import HookResult, Stage
from gvmpy.switch.transaction import HOOK_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from gvmpy.home import Home
    from gvmpy.signals import Signals
    from gvmpy.switch.pipeline import Event

_LEAVING = re.compile(
    r"[.#].*|.*(~|,v|\.(bak|old|orig|rej|save|sw[a-p]|tmp|disabled|dpkg-\w+|rpm(new|orig|save)))", re.DOTALL
)
# What is ours to say, or belongs to the shell that asked; a GOROOT from elsewhere breaks every other Go.
_NOT_HANDED_ON = frozenset({"GOROOT", "GVMPY_SHELL_FUNCTION", "GVMPY_VERSION", "_GVMPY_DEPTH"})


@dataclass(frozen=True, slots=True)
class Found:
    """A program, or what could be one. `refusal` says why it is not run although it should be, `reason` why
    it is passed over.
    """

    path: Path
    stage: Stage
    refusal: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class UserHook:
    """A program of the user's; `timeout` in seconds, `tell` shows a line that it prints."""

    found: Found
    home: Home
    environ: Mapping[str, str]
    signals: Signals
    timeout: float
    tell: Callable[[str, str], None]

    @property
    def name(self) -> str:
        """The file's name."""
        return self.found.path.name

    def run(self, event: Event) -> HookResult:
        """Run it, unless others can change it by now."""
        refusal = _look(self.found.path, self.found.stage).refusal
        if refusal is not None:
            return HookResult("failed", (f"it was not run, as {refusal}",))
        ended = run_program(
            self.found.path,
            environ=self._environ(event),
            directory=self.home.root,
            timeout=self.timeout,
            signals=self.signals,
            on_line=lambda line: self.tell(self.name, line),
        )
        match ended.code:
            case 0:
                return HookResult("ok", output=ended.tail)
            case None:
                message = f"it did not end within {self.timeout:g} s"
            case code if code < 0:
                message = f"it was ended by {_signal_name(-code)}"
            case code:
                message = f"it ended with {code}"
        return HookResult("failed", (message,), ended.tail)

    def _environ(self, event: Event) -> dict[str, str]:
        """Return the user's environment, and what the hook may want to know.

        GVMPY_VERSION is what holds while it runs, so that a `go` of the shims is that one everywhere.
        """
        inner = {name: value for name, value in self.environ.items() if name not in _NOT_HANDED_ON}
        holds = event.before if event.stage is Stage.PRE else event.after
        if holds is not None:
            inner["GVMPY_VERSION"] = holds
        return inner | {
            "GVMPY_FROM": event.before or "",
            "GVMPY_TO": event.after or "",
            "GVMPY_SCOPE": event.scope.value,
            "GVMPY_STAGE": event.stage.value,
            "GVMPY_ROOT": os.fspath(self.home.root),
            HOOK_VARIABLE: self.name,
            SWITCH_VARIABLE: event.switch,
        }


def find(home: Home) -> list[Found]:
    """Return what lies in the directories of hooks, those of pre-switch.d first. Raises HostError."""
    return [found for stage in (Stage.PRE, Stage.POST) for found in _find(home, stage)]


def directory_of(home: Home, stage: Stage) -> Path:
    """Return the directory of the user's hooks for `stage`, there or not."""
    return home.hooks / f"{stage.value}.d"


def _find(home: Home, stage: Stage) -> Iterator[Found]:
    directory = directory_of(home, stage)
    try:
        names = sorted(os.listdir(directory))
    except FileNotFoundError:
        return
    except OSError as error:
        raise HostError(f"cannot read `{directory}`: {error.strerror}") from error
    for name in names:
        yield _look(directory / name, stage)


def _look(path: Path, stage: Stage) -> Found:
    if _LEAVING.fullmatch(path.name):
        return Found(path, stage, reason="its name is that of a leaving")
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            return Found(path, stage, reason="it is no file")
        if not mode & 0o111:
            return Found(path, stage, reason="it is not executable")
        return Found(path, stage, refusal=why_unsafe(path))
    except OSError as error:
        return Found(path, stage, refusal=f"it cannot be looked at: {error.strerror}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
