from __future__ import annotations

from tests.switch.conftest import person

__all__ = ["person"]
