from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import toolchains
from tests.support.small import cut_down

if TYPE_CHECKING:
    from tests.conftest import User
    from tests.support.loopback import Site
    from tests.support.toolchains import Toolchain


@pytest.fixture(scope="session")
def small(real_toolchains: dict[str, Toolchain], tmp_path_factory: pytest.TempPathFactory) -> Toolchain:
    """1.22.3 with few files: for tests in which it is not the tree that matters."""
    return cut_down(real_toolchains["1.22.3"], tmp_path_factory.mktemp("small"))


@pytest.fixture
def origin(site: Site, user: User, small: Toolchain) -> Site:
    """An official origin on loopback that has the small toolchain alone, and a user who trusts it."""
    toolchains.serve_official(site, [small])
    user.env |= {
        "GVMPY_SOURCES": "official",
        "GVMPY_OFFICIAL_INDEX": f"{site.base}/dl/?mode=json&include=all",
        "GVMPY_OFFICIAL_TRUSTED": "127.0.0.1",
        "GVMPY_MIRRORS": f"{site.base}/mirror/",
    }
    return site
