"""Real GOROOTs for asking, unpacked once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.goroots import COMMAND, put_goroot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.toolchains import Toolchain

VERSIONS = ("1.21.6", "1.22.3", "1.25.5")
WITH_CHANGED = "1.25.5"
"""`go env -changed` is there since 1.23."""


@pytest.fixture(scope="session")
def goroots(
    real_toolchains: dict[str, Toolchain], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The GOROOT of each version, with what `go env` needs; not to be written to."""
    place = tmp_path_factory.mktemp("goroots")
    for version in VERSIONS:
        put_goroot(real_toolchains[version], place / version, COMMAND)
    return {version: place / version for version in VERSIONS}
