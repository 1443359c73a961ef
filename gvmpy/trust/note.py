"""Signed notes: the envelope in which a checksum database signs its tree heads.

Format: golang.org/x/mod/sumdb/note. A text that ends in a newline, a blank line, then one line a signature,
`— NAME BASE64(hash of the key, 4 bytes, then the signature)`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NOTE_SIZE = 1_000_000
"""Bytes; x/mod/sumdb/tlog reads no longer tree head either."""

_MAX_SIGNATURES = 100
_ED25519 = b"\x01"
_PUBLIC_KEY_SIZE = 32
_KEY_HASH_SIZE = 4
_SIGNATURE_MARK = "\N{EM DASH} "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Verifier:
    """A name and the Ed25519 public key that signs for it."""

    name: str
    key_hash: bytes
    public_key: bytes

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Read `NAME+HASH+BASE64`, as GOSUMDB and x/mod/sumdb/note spell a verifier key.

        Raises ValueError when it is malformed, of another algorithm, or its hash is not its key's.
        """
        name, _, rest = vkey.partition("+")
        hash_text, _, key_text = rest.partition("+")
        key = decode_base64(key_text)
        if not _is_name(name) or key is None or not re.fullmatch(r"[0-9a-fA-F]{8}", hash_text):
            raise ValueError("malformed verifier key: it must be NAME+HASH+KEY")
        if not key.startswith(_ED25519) or len(key) != len(_ED25519) + _PUBLIC_KEY_SIZE:
            raise ValueError("verifier key is not an Ed25519 key")
        key_hash = hashlib.sha256(name.encode() + b"\n" + key).digest()[:_KEY_HASH_SIZE]
        if key_hash.hex() != hash_text.lower():
            raise ValueError("verifier key does not match its own hash: it was mistyped or changed")
        return cls(name, key_hash, key[len(_ED25519) :])

    @property
    def vkey(self) -> str:
        """The key as `parse` reads it."""
        key = base64.b64encode(_ED25519 + self.public_key).decode("ascii")
        return f"{self.name}+{self.key_hash.hex()}+{key}"

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` (64 bytes) is this key's for `message`."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def open_note(data: bytes, verifier: Verifier) -> str:
    """Return the text of the note `data`, its last newline included, once `verifier` has vouched for it.

    Signatures of other keys are read and left aside. Raises IntegrityError for anything malformed, for a
    wrong signature, and when none is the verifier's.
    """
    text, signature_lines = _split(data)
    vouched = False
    for name, key_hash, signature in _signatures(signature_lines):
        if (name, key_hash) != (verifier.name, verifier.key_hash):
            continue
        if not verifier.verifies(text.encode(), signature):
            raise IntegrityError(f"the signature of {verifier.name} is wrong: the note was changed or forged")
        vouched = True
    if not vouched:
        raise IntegrityError(f"the note is not signed by the key {verifier.name}+{verifier.key_hash.hex()}")
    return text


def decode_base64(text: str) -> bytes | None:
    """Return what `text` encodes, or None unless it is the one standard spelling of it, padding included."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    # Spare bits at the end could be set freely: one value, one spelling.
    return data if base64.b64encode(data).decode("ascii") == text else None


def decode_text(data: bytes) -> str | None:
    """Return `data` as text, or None unless it is UTF-8 without control characters other than newline."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def _split(data: bytes) -> tuple[str, list[str]]:
    if len(data) > MAX_NOTE_SIZE:
        raise IntegrityError(f"the note has {len(data)} bytes, more than {MAX_NOTE_SIZE}")
    message = decode_text(data)
    if message is None:
        raise IntegrityError("the note is not plain UTF-8 text")
    text, blank, block = message.rpartition("\n\n")
    if not blank or not block.endswith("\n"):
        raise IntegrityError("the note is malformed: no block of signatures ends it")
    lines = block.removesuffix("\n").split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise IntegrityError(f"the note has {len(lines)} signatures, more than {_MAX_SIGNATURES}")
    return text + "\n", lines


def _signatures(lines: list[str]) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield name, key hash and signature of each line."""
    for line in lines:
        name, _, encoded = line.removeprefix(_SIGNATURE_MARK).partition(" ")
        blob = decode_base64(encoded)
        if not line.startswith(_SIGNATURE_MARK) or not _is_name(name) or blob is None:
            raise IntegrityError("the note has a malformed signature line")
        if len(blob) <= _KEY_HASH_SIZE:
            raise IntegrityError("the note has a signature line without a signature")
        yield name, blob[:_KEY_HASH_SIZE], blob[_KEY_HASH_SIZE:]


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(character.isspace() for character in name)
