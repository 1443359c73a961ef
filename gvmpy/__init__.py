"""gvmpy: install, prove and switch Go toolchains."""

from __future__ import annotations

__version__ = "0.1.0"
