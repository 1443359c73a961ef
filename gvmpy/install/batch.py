"""Several versions at once: one's unpacking overlaps the others' downloads."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.errors import GvmpyError
from gvmpy.install.progress import Cancelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gvmpy.install.pipeline import Installation, Installer
    from gvmpy.install.progress import Cancellation
    from gvmpy.version import GoVersion

_AT_ONCE = 3
_GRACE = 5.0
"""Seconds an interrupted program waits for its threads to put things in order."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one version: exactly one of `installation` and `error` is there."""

    version: GoVersion
    installation: Installation | None
    error: GvmpyError | None


def install_all(
    installer: Installer, versions: Sequence[GoVersion], cancellation: Cancellation
) -> list[Outcome]:
    """Install each of `versions`; one that fails does not stop the others. The order is kept.

    A KeyboardInterrupt stops all work at its next step and is raised again.
    """
    if len(versions) == 1:
        return [_outcome(installer, versions[0])]
    return _Team(installer, versions, cancellation).run()


class _Team:
    """Threads that take the next version until none is left.

    They are daemons: one that waits for a silent server must not keep an interrupted program from ending, and
    a download leaves nothing behind that could not be gone on with.
    """

    def __init__(
        self, installer: Installer, versions: Sequence[GoVersion], cancellation: Cancellation
    ) -> None:
        self._installer = installer
        self._versions = versions
        self._cancellation = cancellation
        self._waiting = deque(versions)
        self._outcomes: dict[GoVersion, Outcome] = {}
        self._failures: list[BaseException] = []

    def run(self) -> list[Outcome]:
        # Events, not joins: up to Python 3.12 a join() that Ctrl-C cut short takes its thread for ended.
        ended = [threading.Event() for _ in range(_AT_ONCE)]
        for event in ended:
            threading.Thread(target=self._work, args=(event,), daemon=True).start()
        try:
            for event in ended:
                event.wait()
        except KeyboardInterrupt:
            self._cancellation.request()
            end = time.monotonic() + _GRACE
            for event in ended:
                event.wait(max(0.0, end - time.monotonic()))
            raise
        for failure in self._failures:
            raise failure
        return [self._outcomes[version] for version in self._versions]

    def _work(self, ended: threading.Event) -> None:
        try:
            while True:
                version = self._waiting.popleft()
                self._outcomes[version] = _outcome(self._installer, version)
        except (IndexError, Cancelled):
            return  # nothing is left, or nothing is wanted any more
        except BaseException as failure:  # noqa: BLE001 - raised again where the user waits
            self._failures.append(failure)
        finally:
            ended.set()


def _outcome(installer: Installer, version: GoVersion) -> Outcome:
    try:
        return Outcome(version, installer.install(version), None)
    except GvmpyError as error:
        return Outcome(version, None, error)
