"""Whether an unpacked tree looks, and answers, like the toolchain it is said to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gvmpy import process
from gvmpy.errors import IntegrityError

if TYPE_CHECKING:
    from pathlib import Path

    from gvmpy.platform import Platform
    from gvmpy.version import GoVersion

_FIRST_SETTLED = (1, 21)
"""From here on the layout has been read tree by tree; of older releases only the core is required."""

_ASSEMBLER = {"386": "386", "amd64": "amd64", "arm": "arm", "arm64": "arm64"}


def check_tree(goroot: Path, version: GoVersion, platform: Platform) -> None:
    """Check `VERSION`, the files a working GOROOT must have, and what `bin/go version` says.

    `pkg/*.a` is not asked for: since Go 1.20 there is none. Raises IntegrityError naming what is amiss, and
    HostError when the binary cannot be started here.
    """
    _check_version_file(goroot, version)
    for name in _needed(version, platform):
        path = goroot / name
        if not path.is_file():
            raise IntegrityError(f"the unpacked tree of {version.name} has no `{name}`")
        if name.startswith(("bin/", "pkg/tool/")) and not path.stat().st_mode & 0o111:
            raise IntegrityError(f"`{name}` in the unpacked tree of {version.name} is not executable")
    _check_answer(goroot, version, platform)


def _check_version_file(goroot: Path, version: GoVersion) -> None:
    """Only the first line counts: since 1.21 a second one holds the time of the release."""
    try:
        with (goroot / "VERSION").open(encoding="utf-8") as stream:
            first = stream.readline(80).strip()
    except (OSError, UnicodeDecodeError):
        first = ""
    if first != version.name:
        raise IntegrityError(f"the unpacked tree says it is {first!r}, not {version.name}")


def _needed(version: GoVersion, platform: Platform) -> list[str]:
    needed = ["bin/go", "bin/gofmt", "src/fmt/print.go"]
    if version.minor < _FIRST_SETTLED:
        return needed
    tools = f"pkg/tool/{platform.os}_{platform.arch}"
    needed += [f"{tools}/{tool}" for tool in ("asm", "cgo", "compile", "cover", "link", "vet")]
    needed += [
        *(f"pkg/include/{name}.h" for name in ("textflag", "funcdata", "asm_amd64")),
        "src/runtime/runtime.go",
    ]
    needed += ["src/builtin/builtin.go", "src/go.mod", "src/cmd/go.mod", "lib/time/zoneinfo.zip", "go.env"]
    if platform.arch in _ASSEMBLER:
        needed.append(f"src/runtime/asm_{_ASSEMBLER[platform.arch]}.s")
    return needed


def _check_answer(goroot: Path, version: GoVersion, platform: Platform) -> None:
    answer = process.ask_go(goroot / "bin" / "go", "version")
    expected = f"go version {version.name} {platform.os}/{platform.arch}"
    if answer != expected:
        raise IntegrityError(f"`bin/go version` answered {answer[:80]!r}, not {expected!r}")
