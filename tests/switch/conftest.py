from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.switching import NEW, OLD, put_versions

if TYPE_CHECKING:
    from tests.conftest import User


@pytest.fixture
def person(user: User) -> User:
    """Somebody who has two versions, and no default."""
    put_versions(user.root, OLD, NEW)
    return user
