"""The directories that Go and gvmpy write to, found without running Go.

Defaults as in go/build (defaultGOPATH) and cmd/go (cache.DefaultDir, cfg.GOMODCACHE, load's install target).
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gvmpy.doctor.patient import Patient

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """A directory by the setting that names it, and what is asked of it.

    `needs` is in bytes, 0 for none; `runs` says what is run from there, "" for nothing. A `shared` one, such
    as /tmp, need not belong to the user.
    """

    name: str
    path: Path
    runs: str = ""
    needs: int = 0
    shared: bool = False


def places(patient: Patient) -> tuple[Place, ...]:
    """Return the directories in use, each once; a setting that names no usable one is left out."""
    found: dict[Path, Place] = {}
    for place in _all(patient):
        found.setdefault(place.path, place)
    return tuple(found.values())


def _all(patient: Patient) -> Iterator[Place]:
    if patient.is_set_up:
        yield Place("gvmpy's root", patient.home.root, "every Go that gvmpy installs", 500 * _MIB)
    gopath = _absolute(_value(patient, "GOPATH").split(os.pathsep)[0]) or _below(patient.user_home, "go")
    gobin = _absolute(_value(patient, "GOBIN")) or _below(gopath, "bin")
    modules = _absolute(_value(patient, "GOMODCACHE")) or _below(gopath, "pkg", "mod")
    temporary = _value(patient, "GOTMPDIR") or patient.environ.get("TMPDIR") or tempfile.gettempdir()
    wanted = (
        ("GOPATH", gopath, "", 0, False),
        ("GOBIN", gobin, "what `go install` makes", 0, False),
        ("GOCACHE", _build_cache(patient), "", 200 * _MIB, False),
        ("GOMODCACHE", modules, "toolchains that the go command downloads itself", 200 * _MIB, False),
        ("GOTMPDIR", _absolute(temporary), "what `go run` and `go test` build", 200 * _MIB, True),
    )
    for name, path, runs, needs, shared in wanted:
        if path is not None:
            yield Place(name, path, runs, needs, shared)


def _value(patient: Patient, name: str) -> str:
    found = patient.setting(name)
    return found.value if found else ""


def _build_cache(patient: Patient) -> Path | None:
    chosen = _value(patient, "GOCACHE")
    if chosen:
        return _absolute(chosen)
    base = patient.environ.get("XDG_CACHE_HOME")
    return _below(_absolute(base) if base else _below(patient.user_home, ".cache"), "go-build")


def _absolute(text: str) -> Path | None:
    return Path(text) if os.path.isabs(text) else None


def _below(path: Path | None, *names: str) -> Path | None:
    return path.joinpath(*names) if path is not None else None
