"""How long work reports on itself, without knowing who listens."""

from __future__ import annotations

import threading
from typing import Protocol


class Bar(Protocol):
    """One piece of work with a known or unknown end."""

    def expect(self, total: int) -> None:
        """Learn that the end is at `total` bytes."""
        ...

    def advance(self, amount: int) -> None:
        """Count `amount` more bytes as done."""
        ...

    def close(self) -> None:
        """Take the bar away."""
        ...


class Progress(Protocol):
    """Where messages and bars go. Called from several threads."""

    def say(self, message: str) -> None:
        """Tell the user one line of what happens."""
        ...

    def bar(self, label: str, *, total: int | None, done: int) -> Bar:
        """Open a bar for `total` bytes (None: not known), `done` of them already there."""
        ...


class Cancelled(Exception):  # noqa: N818 - not an error: somebody asked for it
    """Work was given up because its user pressed Ctrl-C."""


class Cancellation:
    """A flag that one thread raises and the others look at between two steps."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def request(self) -> None:
        """Ask all work to stop at its next step."""
        self._event.set()

    def check(self) -> None:
        """Raise Cancelled once a stop was asked for."""
        if self._event.is_set():
            raise Cancelled
