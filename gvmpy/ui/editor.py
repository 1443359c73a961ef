"""Letting a person edit a text: on a copy, which outlives a refusal to save it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from gvmpy.errors import GvmpyError, HostError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Draft:
    """A private copy of a text, as the user's editor leaves it.

    Leaving the `with` block removes the copy; after a GvmpyError it stays, and the error names it, so that no
    work is lost. Entering raises UsageError when there is no editor, HostError when it fails.
    """

    def __init__(self, text: str, environ: Mapping[str, str]) -> None:
        self.text = text
        self._editor = _editor(environ)
        self._directory = Path()

    def __enter__(self) -> Self:
        self._directory = Path(tempfile.mkdtemp(prefix="gvmpy-"))
        file = self._directory / "config.toml"
        try:
            file.write_bytes(self.text.encode())
            _run([*self._editor, str(file)])
            self.text = file.read_bytes().decode()
        except UnicodeDecodeError as error:
            raise UsageError(f"`{file}` is not UTF-8: {error}") from error
        except BaseException:
            shutil.rmtree(self._directory)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        del kind, trace
        if isinstance(error, GvmpyError):
            error.details += (f"your text is kept in `{self._directory / 'config.toml'}`",)
        else:
            shutil.rmtree(self._directory)


def _editor(environ: Mapping[str, str]) -> list[str]:
    """Return the user's editor and its options; $VISUAL may hold both, and blanks within quotes."""
    chosen = environ.get("VISUAL") or environ.get("EDITOR") or shutil.which("vi")
    try:
        words = shlex.split(chosen or "")
    except ValueError as error:
        raise UsageError(f"cannot read {chosen!r} as an editor's command: {error}") from error
    if not words:
        raise UsageError("there is no editor", hint="export EDITOR=nano")
    return words


def _run(command: list[str]) -> None:
    try:
        code = subprocess.run(command, check=False).returncode
    except OSError as error:
        raise HostError(f"cannot run `{command[0]}`: {error.strerror}", hint="export EDITOR=nano") from error
    if code != 0:
        raise HostError(f"`{command[0]}` ended with {code}; nothing was saved")
