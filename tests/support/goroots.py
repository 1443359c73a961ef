"""Real GOROOTs with only the files a test needs: quick to unpack, and the `go` in them is the real one."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.toolchains import Toolchain

# Enough for `go version` and `go list -m`.
COMMAND = re.compile(r"VERSION|go\.env|bin/go|pkg/tool/[^/]+/compile")
# Enough to build programs of the standard library.
BUILDS = re.compile(
    r"VERSION|go\.env|bin/go|pkg/(tool|include)/.*|src/(_?go\.mod|go\.sum)"
    r"|src/(?!cmd/)(?!.*/testdata/)(?!.*_test\.go$).*\.(go|s|h)|src/vendor/modules\.txt"
)


def put_goroot(toolchain: Toolchain, goroot: Path, wanted: re.Pattern[str]) -> Path:
    """Unpack what matches `wanted` of a release's module zip as `goroot`; return its `go`."""
    with zipfile.ZipFile(toolchain.zip) as archive:
        for info in archive.infolist():
            _, _, name = info.filename.partition(f"@{toolchain.module_version}/")
            if wanted.fullmatch(name):
                # The go command does so, too: a go.mod inside a module zip would be another module.
                path = goroot / name.replace("_go.mod", "go.mod")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(info))
                path.chmod(0o755 if name.startswith(("bin/", "pkg/tool/")) else 0o644)
    return goroot / "bin" / "go"
