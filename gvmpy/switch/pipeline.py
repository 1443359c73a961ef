"""Hooks, as the switch sees them: a name, something to run, and what its failure means.

What hooks do is not known here. Whoever asks for a switch hands the steps in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol

from gvmpy.errors import GvmpyError
from gvmpy.signals import Interrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gvmpy.signals import Signals

Status = Literal["ok", "warned", "failed", "skipped"]
"""`failed` is what blocks; the same under the policy `warn` is `warned`."""


class Stage(StrEnum):
    """When a hook runs. Those of POST run at ROLL_BACK as well, to make true again what held before."""

    PRE = "pre-switch"
    POST = "post-switch"
    ROLL_BACK = "roll-back"


class Scope(StrEnum):
    """What is switched: the default, for everybody and for good, or one shell."""

    DEFAULT = "default"
    SHELL = "shell"


@dataclass(frozen=True, slots=True)
class Event:
    """What happens: versions such as `1.22.3`, `system`, or None for no choice at all.

    `switch` names this one switch among all.
    """

    before: str | None
    after: str | None
    scope: Scope
    stage: Stage
    switch: str


@dataclass(frozen=True, slots=True)
class HookResult:
    """What became of a hook. `messages` are sentences; `output` the last lines of what a program printed."""

    status: Status
    messages: tuple[str, ...] = ()
    output: tuple[str, ...] = ()


class Hook(Protocol):
    """Something to do or to check at a switch. It makes true what should hold for `event.after`, however
    often it is asked to, and keeps to its own limit of time.
    """

    @property
    def name(self) -> str:
        """What the user calls it by."""

    def run(self, event: Event) -> HookResult:
        """Do it. A GvmpyError or an OSError counts as `failed`."""


@dataclass(frozen=True, slots=True)
class Step:
    """A hook in its place; `policy` is `warn` or `block`, or `off` where it is not to be run."""

    hook: Hook
    stage: Stage
    policy: str


@dataclass(frozen=True, slots=True)
class Ran:
    """One hook's result, with its name and when it ran."""

    name: str
    stage: Stage
    result: HookResult

    def as_data(self) -> dict[str, Any]:
        """Return the same for JSON."""
        return {
            "name": self.name,
            "stage": self.stage.value,
            "status": self.result.status,
            "messages": list(self.result.messages),
            "output": list(self.result.output),
        }


@dataclass(slots=True)
class Run:
    """The steps of one switch being worked off; `ran` grows, and tells also what was cut short."""

    steps: Sequence[Step]
    signals: Signals
    ran: list[Ran] = field(default_factory=list)

    def stage(self, event: Event) -> bool:
        """Run the steps of the event's stage, in order; return whether the switch may go on.

        The first failure that blocks ends it. Raises Interrupted when a signal cuts a hook short.
        """
        return all(
            self._passes(step, event)
            for step in self.steps
            if step.stage is event.stage and step.policy != "off"
        )

    def put_right(self, event: Event, *, started_only: bool) -> None:
        """Run the POST steps anew for what holds again: all, or those alone that began to do something.

        Nothing blocks here: each failure is told. A signal cuts the rest short, and is put off.
        """
        started = {ran.name for ran in self.ran if ran.stage is Stage.POST and ran.result.status != "skipped"}
        try:
            for step in self.steps:
                wanted = step.stage is Stage.POST and step.policy != "off"
                if wanted and (step.hook.name in started or not started_only):
                    self._passes(step, event)
        except Interrupted as interruption:
            self.signals.put_off(interruption)

    def _passes(self, step: Step, event: Event) -> bool:
        try:
            with self.signals.allowed():
                result = step.hook.run(event)
        except Interrupted as interruption:
            self._note(step, event, HookResult("failed", (str(interruption),)))
            raise
        except GvmpyError as error:
            result = HookResult("failed", (error.message, *error.details))
        except OSError as error:
            where = f" `{error.filename}`" if error.filename else ""
            result = HookResult("failed", (f"the system refused{where}: {error.strerror or error}",))
        except Exception as error:  # noqa: BLE001 - a mistake in a hook must not leave half a switch
            # Its words may hold what must not be shown.
            result = HookResult("failed", (f"the hook broke: {type(error).__name__}",))
        blocks = step.policy == "block" and event.stage is not Stage.ROLL_BACK
        if result.status == "failed" and not blocks:
            result = HookResult("warned", result.messages, result.output)
        self._note(step, event, result)
        return result.status != "failed"

    def _note(self, step: Step, event: Event, result: HookResult) -> None:
        self.ran.append(Ran(step.hook.name, event.stage, result))
