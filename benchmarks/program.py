"""gvmpy as users have it: installed from a wheel, with its own dependencies and nothing else beside it.

In a development environment httpx finds more packages to import at its start than users have.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHECKOUT = Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def installed_program() -> Iterator[str]:
    """Install gvmpy into a new virtual environment; yield the path of its console script."""
    with tempfile.TemporaryDirectory(prefix="gvmpy-bench-venv-") as directory:
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        python = Path(directory, "bin", "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", str(_CHECKOUT)], check=True)
        subprocess.run([python, "-m", "compileall", "-q", directory], check=False)
        yield str(Path(directory, "bin", "gvmpy"))
