"""Running a command as somebody for whom permissions count, also where the tests run as root."""

from __future__ import annotations

import os


def ordinary(command: list[str]) -> list[str]:
    """Return `command`, without root's privilege to read and write whatever it wants: it remains root, for
    the interpreter may be in root's own home.
    """
    if os.geteuid() != 0:
        return command
    without = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={without}", f"--inh-caps={without}", *command]
