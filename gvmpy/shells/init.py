"""The text of `gvmpy init -`. It is made whenever a shell starts, so nothing heavy is imported here."""

from __future__ import annotations

from gvmpy import assets
from gvmpy.shells.quote import quote_posix

_SHIMS = "__GVMPY_SHIMS__"
_PROGRAM = "__GVMPY_PROGRAM__"


def render(root: str, program: str) -> str:
    """Return shell/init.sh for the shims below `root` and the gvmpy at `program`, both absolute paths.

    One text serves sh, bash, zsh, dash and ksh. Paths that are not UTF-8 come out with the surrogates that
    os.fsdecode made of them: write the text with os.fsencode. Raises ValueError for a root with a colon in
    it, which PATH cannot hold, and for paths with NUL.
    """
    shims = f"{root.rstrip('/')}/shims"
    if ":" in shims:
        raise ValueError("a colon in gvmpy's root would end its entry in PATH")
    template = assets.read("shell/init.sh").decode()
    # The template is cut at the one mark before the other is filled in: a value may look like a mark.
    pieces = [piece.replace(_PROGRAM, quote_posix(program)) for piece in template.split(_SHIMS)]
    return quote_posix(shims).join(pieces)
