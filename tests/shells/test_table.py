"""The table of shells and behaviours in the documentation names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.shells.real import REPOSITORY

PAGE = REPOSITORY / "docs" / "how-to" / "shells.md"


def test_each_row_has_its_test() -> None:
    table = PAGE.read_text().partition("## Which shell does what")[2]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    named = [re.search(r"`(test_\w+\.py)::(test_\w+)` \|$", row) for row in rows]
    assert len(named) > 20
    for row, test in zip(rows, named, strict=True):
        assert test is not None, row
        assert f"\ndef {test[2]}(" in (Path(__file__).parent / test[1]).read_text(), row
