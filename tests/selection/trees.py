"""Homes, projects and environments of every kind, real on disk, for the two implementations to agree on."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from gvmpy.home import Home
from tests.shells.real import SHIM

if TYPE_CHECKING:
    from collections.abc import Iterator

# Valid names, names of languages, names that are not canonical, and no names at all.
NAMES = (
    *("go1", "go1.0", "go1.4.2", "go1.20", "go1.20.0", "go1.20rc1", "go1.20.14", "go1.21", "go1.21rc2"),
    *("go1.21.0", "go1.21.13", "go1.22beta1", "go1.22rc1", "go1.22rc12", "go1.22.3", "go1.22.9", "go1.22.10"),
    *("go2.0", "go2.0.0", "go01.2", "go1.022.1", "go1.22.3x", "go1.9.2rc2", "go1.22.12345", "go"),
)
STATES = ("whole", "whole", "receipt only", "tree only", "not executable")
ALIASES = ("old", "my_go-2", "latest", "system", "go1", "x")
PREFIXES = ("1", "1.20", "1.21", "1.22", "go1.22", "1.0", "1.2", "2", "2.0", "go1", "1.23")
EXACT = (
    "1.22.3",
    "go1.22.10",
    "1.20.0",
    "go1.20.0",
    "1.21.0",
    "1.22rc1",
    "1.22rc12",
    "1.9.2rc2",
    "2.0.0",
    "1.19.1",
)
NAMED = ("system", "go", "latest", "stable", "-", "old", "my_go-2", "nobody", "x")
HOSTILE = (
    *("gogo1.22", "01.22", "1.22.", "1..2", "1.22.3.4", "1.22rc", "1.22rc01", "1.22alpha1beta2", "10000.1"),
    *("1.22.12345", "²", "1.²", "_x", "9x", "old/..", "é", "../go1.22.3", "/etc/passwd", "..", "1.22/.."),
    *("$(touch x)", "`touch x`", "*", "1.22*", "\x1b[31m", "a;b"),
)
ENTRIES = (
    "good",
    "good",
    "empty",
    "shims",
    "shims/",
    "link to shims",
    "link to shim",
    "relative",
    "",
    "directory",
)

words = st.one_of(
    st.sampled_from(PREFIXES),
    st.sampled_from(EXACT),
    st.sampled_from(NAMED),
    st.sampled_from(HOSTILE),
    st.text(alphabet=st.sampled_from("019.gorcbeta-_ #\tAz~!"), min_size=1, max_size=9),
)
blanks = st.text(alphabet=" \t\r\v\f", max_size=3)


@st.composite
def sloppy_contents(draw: st.DrawFn) -> bytes:
    """Return lines before, after and around a word, or no word at all."""
    lines = draw(st.lists(st.sampled_from(["", "  ", "# 1.20", "\t#x", "#", "# é"]), max_size=3))
    if draw(st.booleans()):
        after = draw(st.sampled_from(["", " # why", " 1.20", "\0", "#"]))
        lines.append(draw(blanks) + draw(words) + draw(blanks) + after)
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = end.join(lines) + draw(st.sampled_from(["", end, end + "junk" + end]))
    return text.encode() + draw(st.sampled_from([b"", b"\xff\xfe", b"\n" * 1100]))


@st.composite
def long_contents(draw: st.DrawFn) -> bytes:
    """Return a file whose word ends about where reading stops, on the line of the padding or the next."""
    word = draw(st.sampled_from(PREFIXES)).encode()
    padding = draw(st.integers(1022, 1026)) - len(word)
    lead = draw(st.sampled_from([b" " * padding, b"#" * (padding - 1) + b"\n", b"\n" * padding]))
    return lead + word + draw(st.sampled_from([b"", b"\n", b".3", b" # why\n"]))


@st.composite
def tool_contents(draw: st.DrawFn) -> bytes:
    """Return a .tool-versions, with a Go in it or not, and with the bound in odd places."""
    other = st.sampled_from(
        ["nodejs 20.1.0", "# golang 1.20", "", "  ", "gopher 1.22", "golangci-lint 1.5", "\tpython 3.12"]
    )
    lines = draw(st.lists(other, max_size=3))
    if draw(st.booleans()):
        lead = draw(
            st.sampled_from(["", "", " ", "\t", "#" * 1012 + "\n", "#" * 1015 + "\n", " " * 1011, " " * 1020])
        )
        key = draw(st.sampled_from(["golang", "golang", "go", "go\t"]))
        lines.append(lead + key + draw(st.sampled_from([" ", "  ", "\t", ""])) + draw(words) + draw(blanks))
    lines += draw(st.lists(other, max_size=1))
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines).encode() + draw(st.sampled_from([b"", b"\n"]))


GO_LINES = (
    *(
        "go 1.22",
        "go 1.22",
        "go 1.21",
        "go 1.20",
        "go 1.22.3",
        "go 1.22.9",
        "go 1.21rc2",
        "go 1.22rc1",
        "go 1",
    ),
    *(
        "go 1.99",
        "go\t1.21.13 // why",
        "go 1.22// x",
        "go",
        "go ",
        "go // x",
        "go gogo1.2",
        "go 1.22.x",
        "gopher",
    ),
    *("  go 1.20.0", "\tgo 2.0", 'go "1.22"', "go (", "go 1.021", "go $(touch x)", "go 1.22 1.21"),
)
TOOLCHAIN_LINES = (
    *(
        "toolchain go1.22.3",
        "toolchain go1.22.3",
        "toolchain go1.21.13",
        "toolchain go1.22rc1",
        "toolchain default",
    ),
    *(
        "toolchain go1.20",
        "toolchain go1.20.0",
        "toolchain go1.21",
        "toolchain local",
        "toolchain go1.22.3-corp",
    ),
    *("toolchain\tgo1.22.10\t//x", "toolchain", "toolchain 1.22.3", "toolchain gogo1.22.3", "toolchain ../x"),
)
FILLERS = (
    *(
        "module example.com/m",
        "",
        "// go 1.22",
        "require (",
        "\tgo.example/x v1.0.0",
        ")",
        "use ./a",
        "use (",
        "use(",
    ),
    *("require a.b/c v1", "requires", "replace (", "\tuse v1 => ./x", "godebug default=go1.21", "\f", "// é"),
)


@st.composite
def go_contents(draw: st.DrawFn) -> bytes:
    """Return a go.mod or go.work: lines of every kind, in the usual order more often than not."""
    usual = [
        "module example.com/m",
        "",
        draw(st.sampled_from(GO_LINES)),
        *draw(st.lists(st.sampled_from(TOOLCHAIN_LINES), max_size=1)),
        *draw(st.lists(st.sampled_from(FILLERS), max_size=2)),
    ]
    odd = st.lists(st.sampled_from(GO_LINES + TOOLCHAIN_LINES + FILLERS), max_size=6)
    lines = draw(st.one_of(st.just(usual), st.just(usual), odd))
    head = draw(
        st.sampled_from([b"", b"", b"", b"//" + b"x" * 32700 + b"\n", b"\n" * 32766, b"\n" * 32768, b"\0"])
    )
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    return head + end.join(lines).encode() + draw(st.sampled_from([b"", end.encode()]))


contents = st.one_of(words.map(str.encode), words.map(str.encode), sloppy_contents(), long_contents())


@dataclass(frozen=True)
class Case:
    """One situation; `pins` are by depth: content, or the kind of thing that is no file. `files` are by depth
    and name, and `stated` is what the VERSION files say instead of the truth.
    """

    installed: dict[str, str]
    default: str | None
    aliases: dict[str, str]
    asked: str | None
    pins: dict[int, bytes | str]
    path: list[str]
    through_link: bool
    tool: str
    files: dict[tuple[int, str], bytes] = field(default_factory=dict)
    stated: dict[str, bytes] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)


targets = st.sampled_from(
    ("../versions/go1.22.3", "../versions/go1.21.0", "../versions/go1.20", "gone", "../away")
)
cases = st.builds(
    Case,
    installed=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(STATES), min_size=4, max_size=14),
    default=st.none() | targets,
    aliases=st.dictionaries(st.sampled_from(ALIASES), targets, max_size=3),
    asked=st.sampled_from((None, None, "", words)).flatmap(
        lambda asked: asked if isinstance(asked, st.SearchStrategy) else st.just(asked)
    ),
    pins=st.dictionaries(
        st.integers(0, 3), contents | st.sampled_from(["directory", "dangling", "fifo", "link"]), max_size=2
    ),
    path=st.lists(st.sampled_from(ENTRIES), max_size=4),
    through_link=st.booleans(),
    tool=st.sampled_from(["go", "go", "gofmt", "go1.22.3"]),
    files=st.fixed_dictionaries(
        {},
        optional={
            (depth, name): kind
            for depth in (0, 2)
            for name, kind in (
                (".tool-versions", tool_contents()),
                ("go.mod", go_contents()),
                ("go.work", go_contents()),
            )
        },
    ),
    stated=st.dictionaries(
        st.sampled_from(("go1.22.3", "go1.21.0", "go1.20", "away")),
        st.sampled_from(
            (
                b"go1.22.9-corp\ntime x",
                b"go1.30.1 X:a",
                b"devel go1.24",
                b"",
                b" go1.22.3\t\r\n",
                b"gogo1.22.9",
                b"go1.22",
            )
        ),
        max_size=1,
    ),
    environ=st.fixed_dictionaries(
        {},
        optional={
            "GOWORK": st.sampled_from(
                ["off", "auto", "", "@/elsewhere.work", "relative.work", "@/gone.work"]
            ),
            "GO111MODULE": st.sampled_from(["off", "on", "auto", ""]),
            "TMPDIR": st.sampled_from(["@/p r/o/j", "@/p r/o", "/nowhere"]),
        },
    ),
)

# Most cases with a pin never come to the files after it.
projects = cases.map(lambda case: replace(case, asked=None, pins={}, tool="go"))


@dataclass(frozen=True)
class Built:
    """A case on disk: run `shim` in `directory` with `environ`."""

    home: Home
    shim: Path
    directory: Path
    environ: dict[str, str]


@contextmanager
def built(case: Case) -> Iterator[Built]:
    shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a fresh private directory in it
    top = Path(tempfile.mkdtemp(prefix="gvmpy-test-", dir=shm))
    try:
        home = Home(top / "ro ot")
        build_home(home, case)
        environ = {"HOME": str(top), "PATH": _build_path(top, home, case.path)}
        directory = _build_projects(top, case)
        environ["PWD"] = str(directory)
        (top / "elsewhere.work").write_bytes(b"go 1.22\ntoolchain go1.22.3\n")
        environ |= {name: value.replace("@", str(top)) for name, value in case.environ.items()}
        if case.asked is not None:
            environ["GVMPY_VERSION"] = case.asked
        yield Built(home, home.shims / case.tool, directory, environ)
    finally:
        shutil.rmtree(top)


def build_home(home: Home, case: Case) -> None:
    for directory in (home.versions, home.receipts, home.links, home.shims):
        directory.mkdir(parents=True)
    for name, state in case.installed.items():
        if state != "tree only":
            (home.receipts / f"{name}.json").write_text("{}")
        if state != "receipt only":
            put_tools(home.versions / name / "bin", mode=0o644 if state == "not executable" else 0o755)
            tree = home.versions / name
            tree.joinpath("VERSION").write_bytes(case.stated.get(name, f"{name}\ntime\n".encode()))
    put_tools(home.root / "away" / "bin")
    (home.root / "away" / "VERSION").write_bytes(case.stated.get("away", b"go1.22.4"))
    links = case.aliases | ({"go": case.default} if case.default is not None else {})
    for name, target in links.items():
        (home.links / name).symlink_to(target)
    for tool in ("go", "gofmt", "go1.22.3"):
        shutil.copy(SHIM, home.shims / tool)
        (home.shims / tool).chmod(0o755)


def put_tools(directory: Path, mode: int = 0o755) -> None:
    """Put a `go` and a `gofmt` there that print their own path and what they were given."""
    directory.mkdir(parents=True, exist_ok=True)
    for tool in ("go", "gofmt"):
        script = directory / tool
        script.write_text('#!/bin/sh\nprintf "%s\\n" "$0" "${GOROOT-none}" "$@"\n')
        script.chmod(mode)


def _build_path(top: Path, home: Home, entries: list[str]) -> str:
    put_tools(top / "good")
    (top / "empty").mkdir()
    (top / "directory" / "go").mkdir(parents=True)
    (top / "directory" / "gofmt").mkdir()
    (top / "link to shims").symlink_to(home.shims)
    (top / "link to shim").mkdir()
    for tool in ("go", "gofmt"):
        (top / "link to shim" / tool).symlink_to(home.shims / tool)
    places = {"shims": str(home.shims), "shims/": f"{home.shims}/", "relative": "bin", "": ""}
    return ":".join(places.get(entry, str(top / entry)) for entry in entries)


def _build_projects(top: Path, case: Case) -> Path:
    place = top / "p r" / "o" / "j"
    put_tools(place / "bin")
    levels = [place, place.parent, place.parent.parent, top]
    if case.through_link:
        (top / "elsewhere").mkdir()
        (top / "elsewhere" / "door").symlink_to(place)
        levels = [top / "elsewhere" / "door", top / "elsewhere", place.parent, top]
    for depth, pin in case.pins.items():
        _put_pin(levels[depth] / ".go-version", pin)
    for (depth, name), content in case.files.items():
        (levels[depth] / name).write_bytes(content)
    return levels[0]


def _put_pin(path: Path, pin: bytes | str) -> None:
    if isinstance(pin, bytes):
        path.write_bytes(pin)
    elif pin == "directory":
        path.mkdir()
    elif pin == "fifo":
        os.mkfifo(path)
    elif pin == "dangling":
        path.symlink_to("nowhere")
    else:
        target = path.with_name("linked-version")
        target.write_text("1.22\n")
        path.symlink_to(target.name)
