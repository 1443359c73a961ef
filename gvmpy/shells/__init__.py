"""What shells read: quoting, the init text, and the shims."""

from __future__ import annotations
