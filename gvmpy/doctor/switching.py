"""A switch of the default that a crash stopped halfway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gvmpy.doctor.finding import Finding, Fix, Severity
from gvmpy.switch import journal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gvmpy.doctor.patient import Patient


def check_journal(patient: Patient) -> Iterator[Finding]:
    """A journal whose writer is gone."""
    entry = journal.pending(patient.home)
    if entry is None or journal.is_running(entry):
        return
    before, after = str(entry.record.before), str(entry.record.after)
    yield Finding(
        "switch-interrupted",
        Severity.WARNING,
        f"the switch of the default from {before} to {after} was interrupted",
        f"`{patient.home.state / 'journal.json'}`",
        "its hooks may have done half of their work; the next switch puts it back first",
        Fix(f"gvmpy use {after} --default"),
    )


CHECKS = (check_journal,)
