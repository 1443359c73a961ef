"""What is installed: links that lead nowhere, trees and receipts without each other, what a crash left."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from gvmpy import locks
from gvmpy.doctor.finding import Finding, Fix, Severity, command
from gvmpy.doctor.held import is_held
from gvmpy.errors import IntegrityError
from gvmpy.install import staging
from gvmpy.trust.receipt import load_receipt, mend

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gvmpy.doctor.patient import Patient
    from gvmpy.home import Home
    from gvmpy.version import GoVersion

_NO_WAIT = 0.0


def check_links(patient: Patient) -> Iterator[Finding]:
    """links/go and the aliases lead to a toolchain."""
    for path in _entries(patient.home.links):
        if path.name.startswith(".") or os.access(path / "bin" / "go", os.F_OK):
            continue
        target = os.path.realpath(path)
        if path == patient.home.default_link:
            yield Finding(
                "default-dangling",
                Severity.ERROR,
                f"the default leads to `{target}`, where no toolchain is",
                f"`{path}`",
                "`go` runs nowhere but where something else chooses one; IDEs lose their SDK",
                Fix(f"gvmpy use {_a_version(patient.home)} --default"),
            )
        else:
            yield Finding(
                "alias-dangling",
                Severity.WARNING,
                f"the alias `{path.name}` leads to `{target}`, where no toolchain is",
                f"`{path}`",
                "a project that asks for it gets no Go",
                Fix(command("rm", "--", path)),
            )


def check_receipts(patient: Patient) -> Iterator[Finding]:
    """Each receipt can be read, and its tree is there."""
    home = patient.home
    for version in home.recorded():
        receipt, tree = home.receipt(version), home.goroot(version)
        if not os.path.lexists(tree):
            yield Finding(
                "receipt-without-tree",
                Severity.ERROR,
                f"{version.name} has a receipt and no tree",
                f"`{receipt}`",
                "it is not installed, whatever the receipt says",
                Fix(f"gvmpy install {version}"),
            )
        elif not home.is_installed(version):
            yield Finding(
                "tree-without-go",
                Severity.ERROR,
                f"the `go` of {version.name} is missing, or may not be executed",
                f"`{tree / 'bin' / 'go'}`",
                "the version counts as not installed",
                Fix(mend(version.text)),
            )
        try:
            load_receipt(receipt)
        except IntegrityError as error:
            yield Finding(
                "receipt-unreadable",
                Severity.ERROR,
                error.message,
                f"`{receipt}`",
                "nothing vouches for the tree",
                Fix(mend(version.text)),
            )


def check_leavings(patient: Patient) -> Iterator[Finding]:
    """Trees without a receipt, and what lies in staging with nobody working on it."""
    home = patient.home
    for path, version in _leavings(home):
        if is_held(staging.lock_path(home, version)):
            continue  # somebody works there right now
        staged = path.parent == home.incoming
        yield Finding(
            "staging-left-over" if staged else "tree-without-receipt",
            Severity.WARNING,
            f"an interrupted run left `{path.name}`" if staged else f"`{path.name}` has no receipt",
            f"`{path}`",
            "it only takes up room" if staged else "it is not installed: nothing vouches for it",
            Fix(
                f"gvmpy install {version}" if not staged else "gvmpy doctor --fix",
                f"remove `{path}`",
                partial(_remove, home, version, path),
            ),
        )


def _leavings(home: Home) -> Iterator[tuple[Path, GoVersion]]:
    """Yield what an install would sweep, and the version whose lock guards it."""
    for path in (*_entries(home.incoming), *_entries(home.versions)):
        version = staging.version_of(path.name)
        if version is not None and (
            path.parent == home.incoming or not os.path.lexists(home.receipt(version))
        ):
            yield path, version


def _remove(home: Home, version: GoVersion, path: Path) -> None:
    """Remove what is left, as the next install would. Raises HostError when somebody works there."""
    home.prepare()
    with locks.hold(staging.lock_path(home, version), timeout=_NO_WAIT):
        staging.remove_leaving(home, version, path)


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory / name for name in os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _a_version(home: Home) -> str:
    installed = home.installed()
    return installed[-1].text if installed else "VERSION"


CHECKS = (check_links, check_receipts, check_leavings)
