"""The text of `gvmpy init -`. It is made whenever a shell starts, so nothing heavy is imported here."""

from __future__ import annotations

from gvmpy import assets
from gvmpy.shells.quote import quote_fish, quote_posix

_ROOT = "__GVMPY_ROOT__"
_PROGRAM = "__GVMPY_PROGRAM__"


def render(root: str, program: str, shell: str = "sh") -> str:
    """Return the init text of `shell` for gvmpy's `root` and the gvmpy at `program`, both absolute paths.

    fish has a text of its own; one text serves sh, bash, zsh, dash, ksh and all others. Paths that are not
    UTF-8 come out with the surrogates that os.fsdecode made of them: write the text with os.fsencode. Raises
    ValueError for a root with a colon in it, which PATH cannot hold, and for paths with NUL.
    """
    if ":" in root:
        raise ValueError("a colon in gvmpy's root would end its entry in PATH")
    fish = shell == "fish"
    quote = quote_fish if fish else quote_posix
    template = assets.read("shell/init.fish" if fish else "shell/init.sh").decode()
    # The template is cut at the one mark before the other is filled in: a value may look like a mark.
    pieces = [piece.replace(_PROGRAM, quote(program)) for piece in template.split(_ROOT)]
    return quote(root.rstrip("/")).join(pieces)
