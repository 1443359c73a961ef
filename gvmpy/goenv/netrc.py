"""User names and passwords for hosts, read from a netrc file as the go command reads it.

Go's reading (parseNetrc of cmd/go/internal/auth/netrc.go, Go 1.26) is its own: an entry counts once it has
machine, login and password; `default` ends the file and gives nothing; quotes are no quotes; nobody asks for
the file's mode. Python's netrc module differs in each of these.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LARGEST = 1 << 20
_BLANKS = re.compile("[\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
"""What unicode.IsSpace of Go calls space; str.split() takes more."""


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    """Who to be at `machine`: a host, with `:port` or `/path` behind it where the file says so.

    The password is in no representation of this value.
    """

    machine: str
    login: str
    password: str

    def __repr__(self) -> str:
        return f"Login(machine={self.machine!r})"


def netrc_path(environ: Mapping[str, str]) -> Path | None:
    """Return the file that would be read: $NETRC, else `.netrc` in $HOME; None without either."""
    if environ.get("NETRC"):
        return Path(environ["NETRC"])
    return Path(environ["HOME"], ".netrc") if environ.get("HOME") else None


def read_netrc(environ: Mapping[str, str]) -> tuple[Login, ...]:
    """Return the entries of the user's netrc file; none where there is no file. Raises OSError."""
    path = netrc_path(environ)
    if path is None:
        return ()
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            data = stream.read(_LARGEST)
    except FileNotFoundError:
        return ()
    return parse_netrc(data.decode("utf-8", "surrogateescape"))


def parse_netrc(text: str) -> tuple[Login, ...]:
    """Return the whole entries of `text` in its order; whatever else stands there is passed over."""
    logins = []
    machine = login = password = ""
    for words in _lines_of_words(text):
        for key, value in zip(words[:-1:2], words[1::2], strict=False):
            if key == "machine":
                machine, login, password = value, "", ""
            elif key == "login":
                login = value
            elif key == "password":
                password = value
            if machine and login and password:
                logins.append(Login(machine, login, password))
                machine = login = password = ""
    return tuple(logins)


def _lines_of_words(text: str) -> Iterator[list[str]]:
    """Yield the words of each line that is neither in a macro nor behind `default`.

    A macro ends with an empty line. Go looks at the words two by two: `macdef` counts at the place of a key,
    and `default` as the last of an odd number.
    """
    in_macro = False
    for line in text.split("\n"):
        if in_macro:
            in_macro = line != ""
            continue
        words = [word for word in _BLANKS.split(line) if word]
        yield words
        in_macro = "macdef" in words[:-1:2]
        if len(words) % 2 and words[-1] == "default":
            return
