"""What a command has to say, before it is known how it will be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gvmpy.errors import GvmpyError


@dataclass(frozen=True, slots=True)
class Result:
    """A command's answer: `data` for `--json`, `text` for people (stdout), the code, and what went wrong.

    `notes` are talk, shown on stderr.
    """

    data: Any = None
    text: str = ""
    exit_code: int = 0
    notes: tuple[str, ...] = ()
    errors: tuple[GvmpyError, ...] = ()
