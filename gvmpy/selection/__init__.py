"""Which Go is meant here, and why: the contract that the shim `shims/go` keeps in shell."""

from __future__ import annotations
