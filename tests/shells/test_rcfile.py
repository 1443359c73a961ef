"""`gvmpy init --install` and `--uninstall`: the real program on rc files, real shells that read them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gvmpy.shells.block import END, START, block
from tests.conftest import User
from tests.shells.real import HOSTILE, interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator

# The name of the home directory, as no home directory is called; PATH could not hold a colon.
NAME = HOSTILE + "'\\'"


@pytest.fixture
def person(user: User) -> Iterator[User]:
    """Somebody whose home directory has a hostile name."""
    home = user.home / NAME
    home.mkdir()
    yield User(home, user.env | {"HOME": str(home), "SHELL": "/bin/bash"})
    assert not list(user.home.rglob("x"))


def tree(home: Path) -> dict[str, tuple[int, bytes]]:
    """Return mode and content of all that lies in `home` beside gvmpy's own root."""
    found = {}
    for top, directories, files in os.walk(home):
        directories[:] = [name for name in directories if name != ".gvmpy"]
        for name in (*directories, *files):
            path = Path(top, name)
            status = path.lstat()
            content = os.fsencode(path.readlink()) if path.is_symlink() else b""
            if path.is_file() and status.st_mode & 0o400:
                content += path.read_bytes()
            found[str(path.relative_to(home))] = (status.st_mode, content)
    return found


def edit(person: User, *arguments: str, **env: str) -> str:
    """Run `gvmpy init` with `arguments`, which has to succeed; return what it says."""
    result = person.run("init", *arguments, **env)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    return result.stderr


# How a shell is started so that it reads the file. It expands the value of ENV itself.
STARTS = {
    "bash": (["-i"], {}),
    "bash as login": (["-l"], {}),
    "zsh": (["-i"], {}),
    "zsh elsewhere": (["-i"], {"ZDOTDIR": "@/zdot $x"}),
    "dash": (["-i"], {"ENV": "$HOME/.shrc"}),
    "dash as login": (["-l"], {}),
    "busybox": (["-i"], {"ENV": "$HOME/.shrc"}),
    "busybox as login": (["-l"], {}),
    "ksh": (["-i"], {}),
    "ksh elsewhere": (["-i"], {"ENV": "$HOME/.my rc"}),
    "mksh": (["-i"], {}),
    "yash": (["-i"], {}),
    "fish": ([], {}),
    "fish elsewhere": ([], {"XDG_CONFIG_HOME": "@/con fig"}),
}


def first_on_path(person: User, start: str) -> str:
    """Start the shell, as the user would, and return the first entry of its PATH."""
    shell = start.split(maxsplit=1)[0]
    options, env = STARTS[start]
    script = "gvmpy --version >version; /usr/bin/printenv PATH >path"
    finished = subprocess.run(
        [*interpreter(shell), *options, "-c", script],
        env=person.env | {name: value.replace("@", str(person.home)) for name, value in env.items()},
        cwd=person.home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (person.home / "version").read_text().startswith("gvmpy "), finished.stderr
    return (person.home / "path").read_text().partition(":")[0]


@pytest.mark.parametrize("start", STARTS)
def test_the_shell_is_set_up(person: User, start: str) -> None:
    if start == "ksh":
        # Without ENV, ksh93u+m expands the name of the home directory twice, and so runs what it says.
        home = person.home.rename(person.home.with_name("home *[x]{y};&\n"))
        person = User(home, person.env | {"HOME": str(home)})
    env = {name: value.replace("@", str(person.home)) for name, value in STARTS[start][1].items()}
    if start == "bash as login":
        (person.home / ".bash_profile").write_text("echo login >login\n")
    before = tree(person.home)
    edit(person, "--install", "--shell", start.split(maxsplit=1)[0], **env)
    assert first_on_path(person, start) == str(person.root / "shims")
    # The program is asked where the file is gone, and a shell starts in peace where both are.
    (person.root / "shell" / "init.sh").unlink()
    (person.root / "shell" / "init.fish").unlink()
    assert first_on_path(person, start) == str(person.root / "shims")
    for name in ("login", "path", "version"):
        (person.home / name).unlink(missing_ok=True)
    edit(person, "--uninstall", **env)
    made = [name for name, (_, content) in tree(person.home).items() if name not in before and content]
    assert not [name for name in made if "gvmpy" in name or "rc" in name]
    assert before.items() <= tree(person.home).items()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_starts_in_peace_without_gvmpy(person: User, shell: str) -> None:
    edit(person, "--install", "--shell", shell)
    [path] = [person.home / name for name, (_, content) in tree(person.home).items() if START in content]
    path.write_bytes(block(str(person.home / "gone"), str(person.home / "gone too"), shell))
    finished = subprocess.run(
        [
            *interpreter(shell),
            "-c",
            ". $argv[1]" if shell == "fish" else '. "$1"',
            *["sh"][: shell != "fish"],
            str(path),
        ],
        env=person.env,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, b"", b"")


CONTENTS = {
    "empty": b"",
    "ordinary": b"export A=1\n",
    "no final newline": b"export A=1",
    "blank lines": b"\n\n\n",
    "CRLF": b"export A=1\r\n\r\nalias b=c\r\n",
    "CRLF at the end missing": b"a\r\nb",
    "no text": b"\xff\xfe\xe9\0\x1b[31m\r\r\n",
    "markers elsewhere": b"echo '# >>> gvmpy >>>' # <<< gvmpy <<<\n# >>> conda >>>\n",
}


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
@pytest.mark.parametrize("content", CONTENTS)
def test_there_and_back(person: User, content: str, mode: int) -> None:
    rc = person.home / ".bashrc"
    rc.write_bytes(CONTENTS[content])
    rc.chmod(mode)
    edit(person, "--install")
    text = rc.read_bytes()
    assert text.startswith(CONTENTS[content])
    assert text.count(b"\n" + START) + text.startswith(START) == 1
    assert text.endswith(b"\n") is (CONTENTS[content][-1:] in {b"", b"\n"})
    assert rc.stat().st_mode & 0o7777 == mode
    edit(person, "--uninstall")
    assert rc.read_bytes() == CONTENTS[content]
    assert rc.stat().st_mode & 0o7777 == mode


def test_a_file_that_was_not_there_is_gone_again(person: User) -> None:
    assert "made " in edit(person, "--install")
    assert (person.home / ".bashrc").stat().st_mode & 0o7777 == 0o644
    assert "removed " in edit(person, "--uninstall")
    assert tree(person.home) == {}
    # Unless somebody wrote to it.
    edit(person, "--install")
    with (person.home / ".bashrc").open("a") as stream:
        stream.write("export A=1\n")
    edit(person, "--uninstall")
    assert (person.home / ".bashrc").read_text() == "export A=1\n"


def test_links_stay_links(person: User) -> None:
    store = person.home / "dot files"
    store.mkdir()
    (store / "bashrc").write_bytes(b"a")
    (person.home / ".bashrc").symlink_to("dot files/bashrc")
    (person.home / ".zshrc").symlink_to("dot files/to come")
    before = tree(person.home)
    edit(person, "--install", "--shell", "bash", "--shell", "zsh")
    assert START in (store / "bashrc").read_bytes()
    assert START in (store / "to come").read_bytes()
    assert (person.home / ".bashrc").is_symlink()
    edit(person, "--uninstall")
    assert tree(person.home) == before


def test_two_names_of_one_file_make_one_block(person: User) -> None:
    (person.home / ".bashrc").write_bytes(b"a\n")
    (person.home / ".bash_profile").symlink_to(".bashrc")
    edit(person, "--install")
    assert (person.home / ".bashrc").read_bytes().count(START) == 1
    assert edit(person, "--install") == "nothing to do\n"


def test_a_symlinked_home(person: User) -> None:
    link = person.home.with_name("linked home")
    link.symlink_to(person.home)
    person.home.joinpath(".bashrc").write_bytes(b"a\n")
    edit(person, "--install", HOME=str(link))
    person.env["HOME"] = str(link)
    # The user's own spelling is kept.
    assert first_on_path(person, "bash") == f"{link}/.gvmpy/shims"
    edit(person, "--uninstall")
    assert person.home.joinpath(".bashrc").read_bytes() == b"a\n"


def test_the_second_run_does_nothing(person: User) -> None:
    (person.home / ".bashrc").write_bytes(b"a\n")
    edit(person, "--install")
    before = _as_written(person.home)
    assert edit(person, "--install") == "nothing to do\n"
    assert _as_written(person.home) == before
    edit(person, "--uninstall")
    assert edit(person, "--uninstall") == "nothing to do\n"


def _as_written(top: Path) -> list[tuple[Path, int, int, int, int]]:
    """Return what a write would change of every file below `top`; reading may change the time of access."""
    states = [(path, path.lstat()) for path in sorted(top.rglob("*"))]
    return [(path, at.st_ino, at.st_mode, at.st_size, at.st_ctime_ns) for path, at in states]


def test_each_change_is_backed_up_once(person: User) -> None:
    rc = person.home / ".bashrc"
    rc.write_bytes(b"a\xff")
    said = edit(person, "--install")
    with_block = rc.read_bytes()
    edit(person, "--install")
    [backup] = (person.root / "backups").iterdir()
    assert backup.read_bytes() == b"a\xff"
    assert backup.stat().st_mode & 0o7777 == 0o600
    assert backup.name in said
    edit(person, "--uninstall")
    backups = sorted(path.read_bytes() for path in (person.root / "backups").iterdir())
    assert backups == sorted([b"a\xff", with_block])


def test_a_block_that_is_stale_is_replaced_where_it_stands(person: User) -> None:
    rc = person.home / ".bashrc"
    old = block("/old/root", "/old/gvmpy", "bash")
    rc.write_bytes(b"before\n" + old + b"\nafter\n")
    edit(person, "--install")
    assert rc.read_bytes().startswith(b"before\n" + START)
    assert rc.read_bytes().endswith(END + b"\nafter\n")
    assert b"/old" not in rc.read_bytes()
    edit(person, "--uninstall")
    assert rc.read_bytes() == b"before\nafter\n"


def test_a_block_that_an_editor_gave_crlf(person: User) -> None:
    rc = person.home / ".bashrc"
    rc.write_bytes(b"before\n")
    edit(person, "--install")
    rc.write_bytes(rc.read_bytes().replace(b"\n", b"\r\n"))
    edit(person, "--install")
    assert b"fi\n" in rc.read_bytes()
    edit(person, "--uninstall")
    assert rc.read_bytes() == b"before\r\n"


S, E = START, END
DAMAGED = {
    "no end": (b"a\n" + S + b"\nb\n", 2),
    "no beginning": (b"a\nb\n" + E + b"\n", 3),
    "two": (S + b"\n" + E + b"\n" + S + b"\n" + E + b"\n", 3),
    "one in the other": (S + b"\n" + S + b"\n" + E + b"\n" + E + b"\n", 2),
    "the wrong way round": (E + b"\n" + S + b"\n", 1),
    "text glued on": (S + b"\n" + E + b"export A=1\n", 2),
}


@pytest.mark.parametrize("how", ["--install", "--uninstall"])
@pytest.mark.parametrize("damage", DAMAGED)
def test_damage_is_named_and_nothing_is_changed(person: User, damage: str, how: str) -> None:
    content, line = DAMAGED[damage]
    (person.home / ".bashrc").write_bytes(b"fine\n")
    if how == "--uninstall":
        edit(person, "--install")
    (person.home / ".zshrc").write_bytes(content)
    before = tree(person.home)
    backups = len(list(person.root.glob("backups/*")))
    result = person.run("init", how, "--shell", "bash", "--shell", "zsh")
    assert (result.returncode, result.stdout) == (2, "")
    assert ".zshrc` is damaged: line " + str(line) in result.stderr
    assert "hint: edit the file" in result.stderr
    assert tree(person.home) == before
    assert len(list(person.root.glob("backups/*"))) == backups
    assert person.root.exists() is (how == "--uninstall")


def _stand_in_the_way(path: Path, kind: str) -> None:
    path.write_bytes(b"a\n")
    if kind == "directory":
        path.unlink()
        path.mkdir()
    elif kind == "pipe":
        path.unlink()
        os.mkfifo(path)
    elif kind == "unreadable":
        path.chmod(0o200)
    elif kind == "read-only":
        path.chmod(0o444)
    elif kind == "link to itself":
        path.unlink()
        path.symlink_to(path.name)
    elif kind == "device":
        path.unlink()
        path.symlink_to("/dev/null")
    elif kind == "two names":
        path.with_name("other").hardlink_to(path)
    elif os.geteuid() == 0:
        os.chown(path, 65534, -1)
    else:  # somebody else's: root's
        path.unlink()
        path.symlink_to("/etc/passwd")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("directory", "is not a regular file"),
        ("pipe", "is not a regular file"),
        ("device", "is not a regular file"),
        ("unreadable", "is not readable"),
        ("read-only", "is read-only"),
        ("link to itself", "is a link that leads back to itself"),
        ("two names", "has 2 names"),
        ("foreign", "belongs to user"),
    ],
)
def test_what_cannot_be_replaced_is_refused_before_all_else(person: User, kind: str, said: str) -> None:
    (person.home / ".bashrc").write_bytes(b"fine\n")
    _stand_in_the_way(person.home / ".zshrc", kind)
    before = tree(person.home)
    result = person.run("init", "--install", "--shell", "bash", "--shell", "zsh")
    assert (result.returncode, result.stdout) == (6, "")
    assert said in result.stderr
    assert ".zshrc`" in result.stderr
    assert tree(person.home) == before
    assert not person.root.exists()


def test_a_directory_that_is_read_only(person: User) -> None:
    zdot = person.home / "zdot"
    zdot.mkdir()
    (zdot / ".zshrc").write_bytes(b"a\n")
    zdot.chmod(0o555)
    result = person.run("init", "--install", "--shell", "zsh", ZDOTDIR=str(zdot))
    assert result.returncode == 6
    assert "is not writable" in result.stderr
    assert (zdot / ".zshrc").read_bytes() == b"a\n"


def test_a_file_without_a_block_may_be_anything_to_uninstall(person: User) -> None:
    (person.home / ".bashrc").write_bytes(b"fine\n")
    edit(person, "--install")
    for name, kind in ((".zshrc", "read-only"), (".profile", "device"), (".kshrc", "two names")):
        _stand_in_the_way(person.home / name, kind)
    edit(person, "--uninstall")
    assert (person.home / ".bashrc").read_bytes() == b"fine\n"


def test_dry_run_shows_the_difference_and_writes_nothing(person: User) -> None:
    (person.home / ".bashrc").write_bytes(b"a\xff\rb")
    before = tree(person.home)
    result = subprocess.run(
        person.command("init", "--install", "--dry-run"), env=person.env, capture_output=True, check=True
    )
    lines = result.stdout.splitlines(keepends=True)
    assert lines[0].startswith(b"--- ")
    assert lines[0].rstrip().endswith(b".bashrc")
    assert b"-a\xff\rb\n\\ No newline at end of file\n+a\xff\rb\n+" + START + b"\n" in result.stdout
    assert result.stdout.endswith(b"+" + END + b"\n\\ No newline at end of file\n")
    assert tree(person.home) == before
    assert not person.root.exists()
    edit(person, "--install")
    text = person.run("init", "--uninstall", "--dry-run", "--json").stdout
    data = json.loads(text)["data"]
    assert (data["dry_run"], [entry["action"] for entry in data["changed"]]) == (True, ["edit"])
    assert "\n-# >>> gvmpy >>>\n" in data["diff"]
    edit(person, "--uninstall")
    result_again = person.run("init", "--uninstall", "--dry-run")
    assert (result_again.stdout, result_again.stderr) == ("", "nothing to do\n")


def test_json_names_each_file_and_its_backup(person: User) -> None:
    (person.home / ".bashrc").write_bytes(b"a\n")
    result = person.run("init", "--install", "--shell", "bash", "--shell", "fish", "--json")
    data = json.loads(result.stdout)["data"]
    backup = data["changed"][0].pop("backup")
    assert data["changed"][0] == {"path": str(person.home / ".bashrc"), "action": "edit"}
    assert Path(backup).read_bytes() == b"a\n"
    fish = str(person.home / ".config/fish/conf.d/gvmpy.fish")
    assert data["changed"][1] == {"path": fish, "action": "create", "backup": None}
    assert os.stat(person.home / ".config").st_mode & 0o7777 == 0o700


@pytest.mark.parametrize(
    "arguments",
    [
        ["--install", "--uninstall"],
        ["--dry-run"],
        ["--shell", "zsh"],
        ["--install", "--shell", "csh"],
        ["-", "sh", "x"],
    ],
)
def test_wrong_arguments(person: User, arguments: list[str]) -> None:
    result = person.run("init", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert tree(person.home) == {}


def test_a_root_that_path_cannot_hold(person: User) -> None:
    result = person.run("init", "--install", GVMPY_ROOT=f"{person.home}/a:b")
    assert result.returncode == 2
    assert "colon" in result.stderr
    assert tree(person.home) == {}


LOGINS = [
    ({}, {".bashrc"}),
    ({".profile": "[ -f ~/.bashrc ] && . ~/.bashrc\n"}, {".bashrc"}),
    ({".profile": "# . ~/.bashrc\n"}, {".bashrc", ".profile"}),
    ({".profile": "x=1\n", ".bash_profile": ". ~/.bashrc\n"}, {".bashrc"}),
    ({".profile": ". ~/.bashrc\n", ".bash_profile": ". ~/.profile\n"}, {".bashrc"}),
    ({".profile": ". ~/.bashrc\n", ".bash_login": "x=1\n"}, {".bashrc", ".bash_login"}),
    ({".bash_login": "x=1\n", ".bash_profile": "x=1\n"}, {".bashrc", ".bash_profile"}),
]


@pytest.mark.parametrize(("files", "edited"), LOGINS)
def test_bash_and_its_login_file(person: User, files: dict[str, str], edited: set[str]) -> None:
    for name, text in files.items():
        (person.home / name).write_text(text)
    before = tree(person.home)
    edit(person, "--install")
    assert {name for name, (_, content) in tree(person.home).items() if START in content} == edited
    # Wherever the block went then, it is found.
    (person.home / ".bash_profile").open("a").close()
    edit(person, "--uninstall", "--shell", "bash")
    assert tree(person.home) | before == tree(person.home)
    assert not [name for name, (_, content) in tree(person.home).items() if START in content]


@pytest.mark.parametrize(
    ("shell", "env", "file"),
    [
        ("/bin/zsh", {}, ".zshrc"),
        ("/usr/bin/fish", {}, ".config/fish/conf.d/gvmpy.fish"),
        ("/usr/bin/fish", {"XDG_CONFIG_HOME": "relative"}, ".config/fish/conf.d/gvmpy.fish"),
        ("/bin/ksh", {}, ".kshrc"),
        ("/bin/mksh", {"ENV": "~/.env"}, ".env"),
        ("/bin/dash", {}, ".profile"),
        ("/bin/ash", {"ENV": "${HOME}/.env"}, ".env"),
        ("/bin/dash", {"ENV": "/$(touch x)/rc"}, ".profile"),
        ("/bin/dash", {"ENV": "relative"}, ".profile"),
        ("/usr/bin/yash", {"ENV": "/nowhere/rc"}, ".yashrc"),
    ],
)
def test_the_login_shell_is_the_default(person: User, shell: str, env: dict[str, str], file: str) -> None:
    edit(person, "--install", SHELL=shell, **env)
    assert [name for name, (_, content) in tree(person.home).items() if START in content] == [file]


def test_many_at_once_make_one_block(person: User) -> None:
    (person.home / ".bashrc").write_bytes(b"a\n")
    (person.home / ".profile").write_bytes(b"b")
    running = [person.start("init", how) for how in ("--install", "--uninstall", "--install") * 2]
    assert [process.wait() for process in running] == [0] * len(running)
    edit(person, "--install")
    assert (person.home / ".bashrc").read_bytes().count(START) == 1
    edit(person, "--uninstall")
    assert tree(person.home) == {".bashrc": (0o100644, b"a\n"), ".profile": (0o100644, b"b")}
