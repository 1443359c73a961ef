"""A GOROOT that outlived its Go, wherever it is set.

Go 1.21 to 1.26 accept `go env -w GOROOT=/x`, and do not start any more when /x is gone: not even for
`go env -u`. Where it is another Go's, that one's packages meet this one's compiler, and nothing can be built.
"""

from __future__ import annotations

import os
import re
import stat
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.doctor.finding import Finding, Fix, Severity, command
from gvmpy.doctor.rcfiles import rc_files, rc_lines
from gvmpy.errors import HostError
from gvmpy.goenv.envfile import env_file_path, read_env_file, replace_env_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gvmpy.doctor.patient import Patient

_EXPORTS = re.compile(rb"(?:^|[;&|])\s*(?:(?:export|typeset|declare)\s+(?:[^\s;&|]+\s+)*)?GOROOT=([^\s;&|]*)")
_SETS = re.compile(rb"(?:^|[;&|])\s*(?:setenv|set\s+-\w*[gxU]\w*(?:\s+-\w+)*)\s+GOROOT\s+(\S+)")
_MIXED = (
    "the packages of one Go meet the compiler of another: `compile: version does not match go tool version`"
)


def check_environment(patient: Patient) -> Iterator[Finding]:
    """The shims take GOROOT away; IDEs, and every `go` that is not a shim, obey it."""
    value = patient.environ.get("GOROOT", "")
    if not value:
        return
    state = _state(patient, value)
    yield Finding(
        "goroot-environment",
        Severity.NOTE if state == "right" else Severity.WARNING,
        f"GOROOT is set to `{value}`, {_CLAUSES[state]}",
        "GOROOT in the environment",
        "the shims take it away, but IDEs and a `go` started by its path obey it; Go needs it not",
        Fix("unset GOROOT"),
    )


def check_env_file(patient: Patient) -> Iterator[Finding]:
    """A line in Go's own file counts for every Go of this user."""
    path = env_file_path(patient.environ)
    if path is None:
        return
    try:
        line = read_env_file(path).get("GOROOT")
    except HostError:
        return  # another check tells it
    if line is None or not line.value:
        return
    state = _state(patient, line.value)
    why = "no Go from 1.21 on starts any more, and none but an editor can mend that"
    yield Finding(
        "goroot-env-file",
        Severity.ERROR,
        f"Go's env file sets GOROOT to `{line.value}`, {_CLAUSES[state]}",
        f"`{path}` line {line.number}",
        why if state == "gone" else f"every Go of yours takes it for its own: {_MIXED}",
        Fix(
            command("sed", "-i", "/^GOROOT=/d", os.path.realpath(path)),
            f"take the GOROOT lines out of `{path}`",
            partial(_take_out, path),
        ),
    )


def check_rc_files(patient: Patient) -> Iterator[Finding]:
    """A line that sets it in every shell."""
    for path in rc_files(patient):
        for number, line in rc_lines(path):
            found = _EXPORTS.search(line) or _SETS.search(line)
            if found is None or not found[1].strip(b"\"'"):
                continue
            yield Finding(
                "goroot-rc-file",
                Severity.WARNING,
                f"a line sets GOROOT to {os.fsdecode(found[1])}",
                f"`{path}` line {number}",
                f"it outlives every switch: {_MIXED}",
                Fix(command("sed", "-i", f"{number}s/^/# /", os.path.realpath(path))),
            )


_CLAUSES = {
    "gone": "which is not there",
    "other": "which is not the Go that runs here",
    "right": "the Go that runs here",
}


def _state(patient: Patient, value: str) -> str:
    if not os.path.isdir(value):
        return "gone"
    goroot = patient.selection.goroot if patient.selection else None
    if goroot is None and patient.selection is not None:
        goroot = Path(os.path.realpath(patient.selection.binary)).parent.parent
    return "right" if goroot is not None and os.path.realpath(value) == os.path.realpath(goroot) else "other"


def _take_out(path: Path) -> None:
    """Remove the lines, whatever else is in the file. Raises HostError or OSError."""
    mode = stat.S_IMODE(os.stat(path).st_mode)
    before = read_env_file(path)
    replace_env_file(path, before, before.with_values({"GOROOT": None}), mode=mode)


CHECKS = (check_environment, check_env_file, check_rc_files)
