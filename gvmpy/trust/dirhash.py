"""The directory hash `h1:` of Go's checksum database, and which names may stand in it.

The rule is Hash1 of golang.org/x/mod/sumdb/dirhash: sort the names bytewise, write for each the SHA-256 of
its content in hexadecimal, two blanks, the name and a newline, and take the SHA-256 of that text in base64.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_NAME_BYTES = 1024
_MOST_COMPONENT_BYTES = 255  # NAME_MAX of every file system we may meet


def h1(entries: Iterable[tuple[str, str]]) -> str:
    """Return the hash of (name, SHA-256 in hexadecimal) pairs in any order, as `h1:` and base64.

    Raises IntegrityError for a name with a newline in it, as Go does: two trees could share one text.
    """
    import base64
    import hashlib

    whole = hashlib.sha256()
    for name, digest in sorted((name.encode("utf-8", "surrogateescape"), digest) for name, digest in entries):
        if b"\n" in name:
            from gvmpy.errors import IntegrityError

            raise IntegrityError(f"the file name {name.decode(errors='replace')!a} holds a newline")
        whole.update(b"%s  %s\n" % (digest.encode(), name))
    return "h1:" + base64.b64encode(whole.digest()).decode()


def name_fault(name: str) -> str | None:
    """Return what forbids `name` as a file's path inside a tree, or None when nothing does.

    Allowed are relative paths of printable characters, without empty, `.` or `..` components or backslashes,
    short enough for any file system.
    """
    if not name.isprintable() or "\\" in name:
        return "has a character in its name that no file of Go has"
    if name.startswith("/"):
        return "has an absolute name"
    framed = f"/{name}/"
    if "//" in framed or "/./" in framed or "/../" in framed:
        return "has an empty or dotted component in its name"
    if len(name) > _MOST_COMPONENT_BYTES or not name.isascii():
        encoded = name.encode()
        longest = max(map(len, encoded.split(b"/")))
        if len(encoded) > _MOST_NAME_BYTES or longest > _MOST_COMPONENT_BYTES:
            return "has too long a name"
    return None
