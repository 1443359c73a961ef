"""Asking pip: the one client of the package index that has the user's own index, proxy and certificates.

pip is a program here, never a library: its modules are nobody's interface. It is the pip of the Python that
runs gvmpy; where that has none (pipx and uv leave it out), one on PATH.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import quote

from gvmpy.errors import GvmpyError, IntegrityError, NetworkError, NoSuchVersionError
from gvmpy.net import redact
from gvmpy.process import run_bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gvmpy.process import Finished

_LARGEST_ANSWER = 4 << 20
_SECONDS = 3600.0
"""Seconds for one run of pip; its own time-out, for a server that says nothing, is far shorter."""

# Nothing asked of a user who is not looking, and no complaint about pip itself. A virtual environment is not
# needed for what installs nothing.
_ENVIRON = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_NO_COLOR": "1",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_ROOT_USER_ACTION": "ignore",
}
_URL = re.compile(r"[a-z+]+://[^\s'\"<>]+")
_AVAILABLE = re.compile(r"^Available versions: (.+)$", re.MULTILINE)
_UNREACHED = re.compile(r"Could not fetch URL (?P<url>\S+): (?P<reason>.*?)(?: - skipping)?$", re.MULTILINE)
_ABSENT = ("404 ", "410 ")
_UNTRUSTED = "is not a trusted or secure host"
_DIGESTS = re.compile(r"against 1 hash(?:es)? \(([0-9]+) match(?:es)?, ([0-9]+) no digest\)")
_MOST_SHOWN = 200
_FEW = "1"
"""How often pip tries again to ask what there is, unless the user has said; pip's own 5 take minutes."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel that pip brought: the file, the SHA-256 in hex that the index has for it, and where it was,
    without credentials; empty when pip does not say.
    """

    path: Path
    sha256: str
    url: str


@dataclass(frozen=True, slots=True)
class Pip:
    """A pip to run, in the user's own environment."""

    command: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)

    def versions(self, project: str) -> list[str]:
        """Return the versions of `project` that the index has for this machine, prereleases too.

        Raises NoSuchVersionError for a project it does not know, NetworkError when it cannot be asked.
        """
        retries = {"PIP_RETRIES": self.environ.get("PIP_RETRIES", _FEW)}
        with TemporaryDirectory(prefix="gvmpy-pip-") as scratch:
            told, _ = self._run(
                *("index", "versions", "--pre", "--only-binary", ":all:", project),
                scratch=Path(scratch),
                more=retries,
            )
        found = _AVAILABLE.search(told)
        if found is None:
            raise NetworkError(f"pip did not say which versions of {project} there are")
        return [part.strip() for part in found[1].split(",")]

    def download(
        self, project: str, version: str, directory: Path, *, most: int, tick: Callable[[int], None]
    ) -> Wheel:
        """Let pip fetch the wheel of exactly `version` into `directory`, which is empty.

        pip checks what comes against the digest in the index, if there is one, and says nothing if there is
        none. So it is asked once more, in its hash mode and with the digest of what came: it does not fetch
        again, and its log tells whether the index itself has that digest. `most` bounds every file pip
        writes, in bytes; `tick` learns the size so far. Raises IntegrityError for other bytes than the index
        announces and for an index without digests, NetworkError, and NoSuchVersionError.
        """
        place = directory / "wheel"

        def run(*arguments: str) -> str:
            _, log = self._run(
                *("download", "--quiet", "--no-deps", "--only-binary", ":all:"),
                *("--dest", str(place), *arguments),
                scratch=directory,
                most_file=most,
                tick=lambda: tick(_largest(directory)),
            )
            return log

        talk = run(f"{project}=={version}")
        wheel = _only_file(place, f"{project} {version}")
        with wheel.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        wanted = directory / "requirements.txt"
        wanted.write_text(f"{project}=={version} --hash=sha256:{digest}\n", encoding="ascii")
        told = _DIGESTS.findall(run("--require-hashes", "--requirement", str(wanted)))
        if not told or any(int(matches) == 0 for matches, _ in told):
            raise IntegrityError(
                f"the package index has no digest of its own for {project} {version}",
                hint="use an index that gives SHA-256 digests, as PyPI does",
            )
        found = re.search(rf"[a-z+]+://[^\s#'\"]*/{re.escape(quote(wheel.name))}", talk)
        return Wheel(wheel, digest, redact(found[0]) if found else "")

    def _run(
        self,
        *arguments: str,
        scratch: Path,
        more: Mapping[str, str] | None = None,
        most_file: int | None = None,
        tick: Callable[[], None] = lambda: None,
    ) -> tuple[str, str]:
        """Run pip with `scratch` for its temporary files; return its standard output, and its log.

        The log has everything at every level, whatever the user has set: why a page could not be fetched
        stands nowhere else.
        """
        log = scratch / "log"
        log.unlink(missing_ok=True)
        finished = run_bounded(
            [*self.command, *arguments, "--log", str(log)],
            environ=dict(self.environ) | _ENVIRON | {"TMPDIR": str(scratch)} | dict(more or {}),
            seconds=_SECONDS,
            most_output=_LARGEST_ANSWER,
            most_file=most_file,
            tick=tick,
        )
        if finished.overlong:
            raise NetworkError(f"pip answered more than {_LARGEST_ANSWER} bytes")
        talk = _read(log)
        if finished.status != 0:
            raise _failure(finished, talk)
        return finished.stdout.decode("utf-8", errors="replace"), talk


def find_pip(environ: Mapping[str, str]) -> Pip:
    """Return the pip to ask. Raises NetworkError, for then the index cannot be asked, where there is none."""
    if find_spec("pip") is not None:
        # -P: a file pip.py in the working directory is not pip.
        return Pip((sys.executable, "-P", "-m", "pip"), environ)
    for name in ("pip3", "pip"):
        found = shutil.which(name, path=environ.get("PATH", os.defpath))
        if found is not None and os.path.isabs(found):
            return Pip((found,), environ)
    raise NetworkError(
        f"there is no pip to ask: `{sys.executable}` has none, nor has PATH",
        hint=f"{sys.executable} -m ensurepip, or put a `pip3` on PATH",
    )


def _only_file(place: Path, what: str) -> Path:
    try:
        (found,) = place.iterdir()
    except (OSError, ValueError) as error:
        raise NetworkError(f"pip brought no single file for {what}") from error
    if found.is_symlink() or not found.is_file():
        raise NetworkError(f"pip brought no file for {what}")
    return found


def _largest(directory: Path) -> int:
    """Return the size of the largest file below: the wheel, wherever pip keeps it meanwhile."""
    largest = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            try:
                largest = max(largest, os.lstat(os.path.join(parent, name)).st_size)
            except OSError:
                continue  # moved since
    return largest


def _read(log: Path) -> str:
    try:
        with log.open("rb") as stream:
            return stream.read(_LARGEST_ANSWER).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _failure(finished: Finished, log: str) -> GvmpyError:
    """Tell by pip's words what went wrong: its exit code is 1 for all of it."""
    text = finished.stderr.decode("utf-8", errors="replace")
    errors = [
        _shown(line.removeprefix("ERROR: ")) for line in text.splitlines() if line.startswith("ERROR: ")
    ]
    if "DO NOT MATCH THE HASHES" in text:
        return IntegrityError(
            "what the package index served is not what it announced; nothing was installed",
            details=tuple(errors[:1]),
        )
    unreached = [match for match in _UNREACHED.finditer(log) if not match["reason"].startswith(_ABSENT)]
    if unreached:
        first = unreached[0]
        return NetworkError(f"pip could not fetch {redact(first['url'])}: {_shown(first['reason'])}")
    if "No matching distribution found" in text and _UNTRUSTED not in text:
        return NoSuchVersionError("pip finds no wheel of this version for this machine")
    reason = errors[0] if errors else f"it ended with status {finished.status}"
    return NetworkError(f"pip could not ask the package index: {reason}")


def _shown(line: str) -> str:
    """Return a line of pip's for a message: without credentials in addresses, and not endlessly long."""
    shown = _URL.sub(lambda match: redact(match[0]), line)
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}..."
