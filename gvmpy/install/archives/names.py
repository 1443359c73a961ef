"""Which member names an archive may hold, and the words in which one is refused.

Imported by workers: kept clear of imports that cost start-up time.
"""

from __future__ import annotations

from gvmpy.trust.dirhash import name_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_MOST_SHOWN = 120


def refuse(archive: str, reason: str, *, member: str | bytes | None = None) -> NoReturn:
    """Raise IntegrityError about `archive` and a member, without echoing what a terminal would obey."""
    from gvmpy.errors import IntegrityError

    if member is None:
        raise IntegrityError(f"`{shown(archive)}` {reason}")
    raise IntegrityError(f"`{shown(archive)}`: member `{shown(member)}` {reason}")


def shown(name: str | bytes) -> str:
    """Return `name` for a message: escaped when anything in it is unprintable, cut when long."""
    text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "..."


class Names:
    """The names of one archive's members, below its prefix: each once, whatever the case of its letters.

    Upper and lower case and Unicode's ways of composing a letter count as the same, because on some file
    systems they are, and the second member would overwrite the first. Directories implied by a file's name
    count as entries.
    """

    def __init__(self, archive: str, *, prefix: str, most_entries: int) -> None:
        self._archive = archive
        self._prefix = prefix
        self._most_entries = most_entries
        self._taken: set[str] = set()
        self._directories: set[str] = {""}
        self._announced: set[str] = set()

    def add_file(self, member: str) -> str:
        """Take in a file's full name and return it without the prefix. Raises IntegrityError."""
        name = self._relative(member)
        self._add_directories(name.rpartition("/")[0], member)
        self._take(name, member)
        return name

    def add_directory(self, member: str) -> str:
        """Take in a directory's full name, without its final `/`; the prefix itself becomes empty."""
        name = "" if member + "/" == self._prefix else self._relative(member)
        if name in self._announced:
            refuse(self._archive, "appears twice", member=member)
        self._announced.add(name)
        self._add_directories(name, member)
        return name

    def _relative(self, member: str) -> str:
        name = member.removeprefix(self._prefix)
        if name == member and self._prefix:
            refuse(self._archive, f"does not lie below `{self._prefix}`", member=member)
        fault = name_fault(name)
        if fault is not None:
            refuse(self._archive, fault, member=member)
        return name

    def _add_directories(self, directory: str, member: str) -> None:
        """Take in `directory` and its parents as far as they are new."""
        fresh = []
        while directory not in self._directories:
            fresh.append(directory)
            directory = directory.rpartition("/")[0]
        for name in reversed(fresh):
            self._take(name, member)
            self._directories.add(name)

    def _take(self, name: str, member: str) -> None:
        key = _without_case(name)
        if key in self._taken:
            refuse(
                self._archive,
                "has the name of another member, or one that differs only in case",
                member=member,
            )
        self._taken.add(key)
        if len(self._taken) > self._most_entries:
            refuse(self._archive, f"holds more than {self._most_entries} entries")


def _without_case(name: str) -> str:
    if name.isascii():
        return name.lower()
    import unicodedata

    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
