"""The files of shims/ and shell/, which a wheel has inside the package and a checkout beside it."""

from __future__ import annotations

import os

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
# Where the wheel has them, then where an editable installation finds them.
_PLACES = (os.path.join(_PACKAGE, "_assets"), os.path.dirname(_PACKAGE))


def read(name: str) -> bytes:
    """Return the content of an asset: "shims/go", "shell/init.sh".

    This asks the package's own loader, which importlib.resources reads through as well; that module itself
    costs 45 ms of imports, more than all else that `gvmpy init -` does. Raises FileNotFoundError when the
    installation is incomplete.
    """
    for place in _PLACES:
        try:
            data: bytes = __spec__.loader.get_data(os.path.join(place, name))  # type: ignore[union-attr]
            return data
        except FileNotFoundError:
            continue
    raise FileNotFoundError(f"{name} is missing from this installation of gvmpy")
