"""What can go wrong, each kind with the exit code a script can rely on.

The codes are part of the interface (see docs/reference/exit-codes.md): 1 a check said no, 2 usage or could
not check, 3 no such version, 4 network, 5 integrity, 6 environment, 126 cannot run, 127 nothing to run.
"""

from __future__ import annotations

from typing import ClassVar


class GvmpyError(Exception):
    """An expected failure: one lower-case sentence, the facts behind it, and the command that helps.

    `details` are shown one a line under the sentence; `hint` is an exact command or a short instruction.
    """

    exit_code: ClassVar[int] = 2
    kind: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str | None = None, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class UsageError(GvmpyError):
    """The request makes no sense as it was put, or an input could not be read."""

    kind = "usage"


class NoSuchVersionError(GvmpyError):
    """No source, or no installation, has the version asked for."""

    exit_code = 3
    kind = "no-such-version"


class NetworkError(GvmpyError):
    """Something could not be reached, or answered with other than what was asked for."""

    exit_code = 4
    kind = "network"


class IntegrityError(GvmpyError):
    """Bytes, a proof or a signature are not what they must be: nothing was installed from them."""

    exit_code = 5
    kind = "integrity"


class HostError(GvmpyError):
    """This machine stands in the way: a lock, a permission, a full or read-only disk."""

    exit_code = 6
    kind = "environment"


class CannotRunError(GvmpyError):
    """What is to be run is there and may not, or cannot, be executed; shells call that 126."""

    exit_code = 126
    kind = "cannot-run"


class NotInstalledError(GvmpyError):
    """A version was selected for running and is not installed; shells call that 127."""

    exit_code = 127
    kind = "not-installed"
