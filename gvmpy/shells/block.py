"""gvmpy's block in an rc file: two marker lines, and between them what sources the init text.

All of it works on bytes: a file of the user's need not be UTF-8, and comes back as it was.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gvmpy.errors import UsageError
from gvmpy.shells.quote import quote_fish, quote_posix
from gvmpy.shells.static import static_path

if TYPE_CHECKING:
    from collections.abc import Iterator

START = b"# >>> gvmpy >>>"
END = b"# <<< gvmpy <<<"
_ABOUT = b"# Written by `gvmpy init --install`; `gvmpy init --uninstall` takes it out again."
_MADE = b"# gvmpy made this file."
_REPAIR = "edit the file so that it holds one whole block, from `{}` to `{}`, or none of it"

_POSIX = """\
if [ -r {static} ]; then
  \\. {static}
elif [ -x {program} ]; then
  \\eval "$({program} init - {shell})"
fi"""
_FISH = """\
if test -r {static}
    source {static}
else if test -x {program}
    {program} init - fish | source
end"""


def block(root: str, program: str, shell: str) -> bytes:
    """Return the lines for an rc file of `shell`, without a newline at the end.

    The static file is sourced; when it is gone, `program` is asked; when that is gone as well, the shell
    starts without gvmpy. Raises UsageError for a root that PATH cannot hold, and for a path with a marker.
    """
    if ":" in root:
        raise UsageError("a colon in gvmpy's root would end its entry in PATH")
    fish = shell == "fish"
    quote = quote_fish if fish else quote_posix
    static, path = quote(static_path(root, shell)), quote(program)
    code = os.fsencode((_FISH if fish else _POSIX).format(static=static, program=path, shell=shell))
    if START in code or END in code:
        raise UsageError("a path with gvmpy's own marker in it cannot be written into an rc file")
    return b"\n".join((START, _ABOUT, code, END))


def install(data: bytes | None, lines: bytes, name: str) -> bytes:
    """Return a file's content with the block `lines` in it; `data` is None for a file not there yet.

    A block that is there is replaced where it stands. A file without a final newline stays without one.
    Raises UsageError, naming the file as `name`, when the markers in it are damaged.
    """
    if data is None:
        return _as_made(lines) + b"\n"
    found = _find(data, name)
    if found is None:
        return data + lines + b"\n" if data.endswith(b"\n") or not data else data + b"\n" + lines
    start, end = found
    if _MADE in data[start:end].splitlines():
        lines = _as_made(lines)
    return data[:start] + lines + data[end:]


def uninstall(data: bytes | None, name: str) -> bytes | None:
    """Return a file's content as it was before `install`; None when there was no file.

    Raises UsageError as `install` does.
    """
    if data is None or (found := _find(data, name)) is None:
        return data
    start, end = found
    made = _MADE in data[start:end].splitlines()
    before, after = data[:start], data[end:]
    if after:
        after = after.removeprefix(b"\r").removeprefix(b"\n")
    else:
        before = before.removesuffix(b"\n")
    return None if made and not before + after else before + after


def _as_made(lines: bytes) -> bytes:
    return lines.replace(_ABOUT, _ABOUT + b"\n" + _MADE, 1)


def _find(data: bytes, name: str) -> tuple[int, int] | None:
    """Return where the one block begins, and where it ends before its newline; None where there is none."""
    start: tuple[int, int] | None = None
    block: tuple[int, int] | None = None
    for number, offset, line in _marked(data):
        mark, rest = (START, line[len(START) :]) if line.startswith(START) else (END, line[len(END) :])
        if rest.strip():
            raise _damaged(name, number, f"`{mark.decode()}` has other text behind it")
        if mark == START:
            if block is not None or start is not None:
                raise _damaged(name, number, f"a second `{START.decode()}`")
            start = number, offset
        elif start is None:
            raise _damaged(name, number, f"`{END.decode()}` without its beginning")
        else:
            block, start = (start[1], offset + len(END)), None
    if start is not None:
        raise _damaged(name, start[0], f"`{START.decode()}` without its end")
    return block


def _marked(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the number, the offset and the text of each line that begins with a marker."""
    offset = 0
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.startswith((START, END)):
            yield number, offset, line
        offset += len(line) + 1


def _damaged(name: str, number: int, what: str) -> UsageError:
    hint = _REPAIR.format(START.decode(), END.decode())
    return UsageError(f"gvmpy's block in `{name}` is damaged: line {number}: {what}", hint=hint)
