"""The page on the doctor names every finding, and none that there is not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import gvmpy.doctor
from tests.shells.real import REPOSITORY

SOURCES = Path(gvmpy.doctor.__file__).parent
PAGE = REPOSITORY / "docs" / "how-to" / "doctor.md"
IDENTITY = re.compile(r"[a-z0-9]+(-[a-z]+)+")


def test_the_page_is_whole() -> None:
    rows = (line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `"))
    told = [identity for row in rows for identity in re.findall(r"`([a-z0-9-]+)`", row)]
    assert len(told) == len(set(told))
    assert set(told) == identities()


def identities() -> set[str]:
    """What the checks hand to Finding; those of shims go through a table."""
    found = set()
    for path in SOURCES.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
                found |= texts(node.args[0])
            if isinstance(node, ast.Tuple) and node.elts and texts(node.elts[0]) & {"shims-missing"}:
                found |= texts(node)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and path.name == "path.py":
                found |= {text for text in texts(node.value) if text.startswith("shims-")}
    return {text for text in found if IDENTITY.fullmatch(text)}


def texts(node: ast.AST) -> set[str]:
    constants = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
    return {value for value in constants if isinstance(value, str)}
