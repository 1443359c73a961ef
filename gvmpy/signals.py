"""Ctrl-C and its like, held back while something must not be cut in half; and a limit in time.

Signals reach Python's main thread alone. In any other nothing is caught, and nothing limited.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

_CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody wants this process to end. Like KeyboardInterrupt it is no Exception: nothing swallows it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.number = number


class TimeIsUp(BaseException):
    """The block took longer than it may."""


class Signals:
    """Within the `with` block SIGINT, SIGTERM and SIGHUP wait: until the next `allowed` part, or its end.

    At the end one that was caught is delivered as if nothing had been in its way. Those that were ignored
    (nohup) stay so.
    """

    def __init__(self) -> None:
        self._before: dict[int, signal.Handlers | int] = {}
        self._is_open = False
        self._waiting: int | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _CAUGHT:
                before = signal.getsignal(number)
                if before not in {signal.SIG_IGN, None}:
                    self._before[number] = before  # type: ignore[assignment] # or a function
                    signal.signal(number, self._catch)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        caught = error.number if isinstance(error, Interrupted) else self._waiting
        if caught == signal.SIGINT:
            raise KeyboardInterrupt from None
        if caught is not None:
            os.kill(os.getpid(), caught)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let a signal raise Interrupted in the block: at once, if one has come already. Only the first does;
        further ones wait for the next such block.
        """
        self._is_open = True
        try:
            self._raise_waiting()
            yield
        finally:
            self._is_open = False

    def put_off(self, interruption: Interrupted) -> None:
        """Let a signal that was raised wait again, as if it came now."""
        self._waiting = interruption.number

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within an `allowed` block: let no signal come between the lines of this one."""
        was_open, self._is_open = self._is_open, False
        try:
            yield
        finally:
            self._is_open = was_open
        if was_open:
            self._raise_waiting()

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Raise TimeIsUp when the block is still at work after `seconds`."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGALRM, _raise_time_is_up)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def _catch(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._waiting = number
        if self._is_open:
            self._raise_waiting()

    def _raise_waiting(self) -> None:
        number, self._waiting = self._waiting, None
        if number is not None:
            self._is_open = False
            raise Interrupted(number)


def _raise_time_is_up(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise TimeIsUp
