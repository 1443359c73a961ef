"""The receipt of an installation: what it is, where it came from, and what proved it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gvmpy.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = 1
_LARGEST = 1 << 20
_HEAD = ("version", "trust", "source", "installed_at")


@dataclass(frozen=True, slots=True)
class Receipt:
    """One installation's record. `url` is without credentials, `installed_at` UTC in RFC 3339.

    `archive_size` is in bytes, `archive_sha256` in hex; `tree_h1` is Go's directory hash of the tree with
    names under `go/`, `file_count` the files it covers.
    """

    version: str
    platform: str
    source: str
    url: str
    archive_sha256: str
    archive_size: int
    trust: str
    evidence: Mapping[str, str | int]
    tree_h1: str
    file_count: int
    installed_at: str
    gvmpy: str
    schema: int = SCHEMA

    def dumps(self) -> bytes:
        """Return the receipt as the JSON text that stands on disk.

        What `list` shows stands on the first lines, where the shim reads it without a JSON parser.
        """
        fields = asdict(self)
        first = {name: fields.pop(name) for name in _HEAD}
        rest = dict(sorted(fields.items()))
        return (json.dumps(first | rest, indent=2) + "\n").encode()


def load_receipt(path: Path) -> Receipt:
    """Read a receipt. Raises IntegrityError when the file is missing or is not one of ours."""
    try:
        with path.open("rb") as stream:
            document: Any = json.loads(stream.read(_LARGEST))
        receipt = Receipt(**document)
    except FileNotFoundError:
        raise IntegrityError(f"there is no receipt `{path}`") from None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise IntegrityError(f"`{path}` is not a receipt: {error}", hint=_again(path)) from error
    if receipt.schema != SCHEMA or not _well_formed(receipt):
        raise IntegrityError(f"`{path}` is not a receipt of schema {SCHEMA}", hint=_again(path))
    return receipt


def install_anew(version: str) -> str:
    """Return the command that installs `version`, such as `1.22.3`, once more with a proof of its own."""
    return f"gvmpy uninstall --force --yes {version} && gvmpy install {version}"


def mend(version: str) -> str:
    """Return the command that puts right what is damaged of an installation, its records included."""
    return f"gvmpy repair {version}"


def _again(path: Path) -> str:
    return mend(path.stem.removeprefix("go"))


def _well_formed(receipt: Receipt) -> bool:
    texts = (receipt.version, receipt.platform, receipt.source, receipt.url, receipt.archive_sha256)
    more = (receipt.trust, receipt.tree_h1, receipt.installed_at, receipt.gvmpy)
    numbers = (receipt.archive_size, receipt.file_count)
    return (
        all(isinstance(value, str) for value in texts + more)
        and all(isinstance(value, int) for value in numbers)
        and isinstance(receipt.evidence, dict)
    )
