"""Running all checks, and mending what may be mended without asking anybody's leave but the user's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.doctor import (
    directories,
    goroot,
    held,
    installations,
    network,
    path,
    rcfiles,
    switching,
    toolchain,
)
from gvmpy.doctor.finding import Severity
from gvmpy.errors import GvmpyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gvmpy.doctor.finding import Finding
    from gvmpy.doctor.patient import Patient

FAMILIES = (toolchain, goroot, path, rcfiles, installations, switching, held, directories, network)
"""In the order their findings are shown; a new family of checks is one file with CHECKS in it."""


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A check that could not be made, and why."""

    check: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checkup:
    """What all checks found. Errors and warnings count; notes do not."""

    findings: tuple[Finding, ...]
    unchecked: tuple[Unchecked, ...]

    def count(self, severity: Severity) -> int:
        """Return how many findings are of `severity`."""
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def counting(self) -> int:
        """How many findings there are but for notes."""
        return len(self.findings) - self.count(Severity.NOTE)

    @property
    def treatable(self) -> tuple[Finding, ...]:
        """The findings that can be mended safely."""
        return tuple(finding for finding in self.findings if finding.fix.apply is not None)


def examine(patient: Patient) -> Checkup:
    """Make every check; one that fails does not keep the others from being made. Writes nothing."""
    findings: list[Finding] = []
    unchecked: list[Unchecked] = []
    for family in FAMILIES:
        for check in family.CHECKS:
            try:
                findings += check(patient)
            except GvmpyError as error:
                unchecked.append(Unchecked(check.__name__, error.message))
            except OSError as error:
                where = f"`{error.filename}`: " if error.filename else ""
                unchecked.append(Unchecked(check.__name__, f"{where}{error.strerror or error}"))
    return Checkup(tuple(findings), tuple(unchecked))


def treat(finding: Finding) -> str | None:
    """Do what the finding's fix does; return why that was not possible, None when it was."""
    if finding.fix.apply is None:
        return "there is no safe way to do it for you"
    try:
        finding.fix.apply()
    except GvmpyError as error:
        return error.message
    except OSError as error:
        return error.strerror or str(error)
    return None


def one_by_one(checkup: Checkup) -> Iterator[Finding]:
    """Yield what there is to mend, each action once: one writing of the shims mends several findings."""
    seen: set[str] = set()
    for finding in checkup.treatable:
        if finding.fix.action not in seen:
            seen.add(finding.fix.action)
            yield finding
