"""When releases came out: the `Time` of the toolchain module's .info, which a module proxy has for each.

It is the time in the release's own VERSION file, but nobody signs it: good to look at, not to decide by. It
never changes, so CACHE/release-dates keeps it for ever, a line `1.22.3 2024-05-07` for each version.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections import deque
from datetime import date
from typing import TYPE_CHECKING

from gvmpy.errors import GvmpyError, HostError, NoSuchVersionError
from gvmpy.files import make_private, refuse_foreign, write_atomic
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

FILE = "release-dates"
_AT_ONCE = 8
_LARGEST = 1 << 18
_LINE = re.compile(r"([0-9a-z.]{1,40}) ([0-9]{4}-[0-9]{2}-[0-9]{2})")


def release_dates(
    cache: Path, versions: Iterable[GoVersion], ask: Callable[[GoVersion], date]
) -> tuple[dict[GoVersion, date], GvmpyError | None]:
    """Return the days on which `versions` came out, as far as the cache or `ask` knows; a few are asked for
    at once.

    The second value is the failure that ended the asking, if one did: a proxy that cannot be reached for one
    will not be for others. A version that `ask` has none of is left out.
    """
    wanted = list(versions)
    known = _load(cache)
    missing = deque(version for version in wanted if version not in known)
    if missing:
        team = _Team(missing, ask)
        failure = team.run()
        if team.found:
            known |= team.found
            _keep(cache, known)
    else:
        failure = None
    return {version: known[version] for version in wanted if version in known}, failure


class _Team:
    """Threads that take the next version until none is left, or asking fails. Daemons: a silent server must
    not keep an interrupted program from ending.
    """

    def __init__(self, waiting: deque[GoVersion], ask: Callable[[GoVersion], date]) -> None:
        self._waiting = waiting
        self._ask = ask
        self._failure: GvmpyError | None = None
        self._crashes: list[BaseException] = []
        self.found: dict[GoVersion, date] = {}

    def run(self) -> GvmpyError | None:
        ended = [threading.Event() for _ in range(min(_AT_ONCE, len(self._waiting)))]
        for event in ended:
            threading.Thread(target=self._work, args=(event,), daemon=True).start()
        for event in ended:
            event.wait()
        for crash in self._crashes:
            raise crash
        return self._failure

    def _work(self, ended: threading.Event) -> None:
        try:
            while self._failure is None and not self._crashes:
                version = self._waiting.popleft()
                with contextlib.suppress(NoSuchVersionError):
                    self.found[version] = self._ask(version)
        except IndexError:
            return  # nothing is left
        except GvmpyError as error:
            self._failure = error
        except BaseException as crash:  # noqa: BLE001 - raised again where the user waits, if anybody still does
            self._crashes.append(crash)
        finally:
            ended.set()


def _load(cache: Path) -> dict[GoVersion, date]:
    """Read what is kept; a line that does not parse is not there."""
    try:
        with (cache / FILE).open("rb") as stream:
            text = stream.read(_LARGEST).decode("ascii", errors="replace")
    except OSError:
        return {}
    known = {}
    for line in text.splitlines():
        if (match := _LINE.fullmatch(line)) is not None:
            with contextlib.suppress(ValueError):
                known[GoVersion.parse(match[1])] = date.fromisoformat(match[2])
    return known


def _keep(cache: Path, known: dict[GoVersion, date]) -> None:
    lines = "".join(f"{version} {known[version].isoformat()}\n" for version in sorted(known))
    with contextlib.suppress(OSError, HostError):
        refuse_foreign(cache, "")
        make_private(cache)
        write_atomic(cache / FILE, lines.encode())
