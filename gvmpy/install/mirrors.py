"""Which mirrors have failed in this run: one that serves a web page, or other bytes, is not asked again."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.errors import NoSuchVersionError
from gvmpy.net import redact

if TYPE_CHECKING:
    from gvmpy.errors import GvmpyError
    from gvmpy.releases.model import Address


@dataclass(frozen=True, slots=True)
class Detour:
    """A place that did not serve, as it may be shown, and why."""

    place: str
    reason: str

    @classmethod
    def around(cls, address: Address, error: GvmpyError) -> Detour:
        """Return the detour that `error` made necessary; something was installed in spite of it."""
        return cls(redact(address.mirror or address.url), error.message.partition(";")[0])

    def __str__(self) -> str:
        return f"{self.place} was passed over: {self.reason}"


class Mirrors:
    """What is known of the mirrors so far; for several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: dict[str, GvmpyError] = {}

    def failure_of(self, address: Address) -> GvmpyError | None:
        """Return why the mirror of `address` is not worth asking, None for one that is."""
        with self._lock:
            return self._failures.get(address.mirror) if address.mirror else None

    def remember(self, address: Address, error: GvmpyError) -> None:
        """Take note of a failure. That a mirror lacks one file says nothing about others."""
        if address.mirror and not isinstance(error, NoSuchVersionError):
            with self._lock:
                self._failures.setdefault(address.mirror, error)
