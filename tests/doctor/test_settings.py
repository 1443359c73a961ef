"""GOROOT, GOTOOLCHAIN, Go's env file, PATH, other version managers' lines, as the real Go takes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.doctor.conftest import NEW, OLD

if TYPE_CHECKING:
    from tests.doctor.conftest import Healthy


class TestStaleGoroot:
    LINES = b"# mine\nGOPRIVATE=corp.example\r\nGOROOT=/usr/local/go-1.20\nexport X\n\xff\nGOFLAGS=-v"

    @pytest.mark.parametrize("version", [OLD, NEW])
    def test_one_in_the_env_file_stops_go_and_is_taken_out(self, healthy: Healthy, version: str) -> None:
        """Not even `go env -u GOROOT` works any more."""
        assert healthy.go("env", "-w", "GOROOT=/nonexistent", version=version).returncode == 0
        broken = healthy.go("env", "-u", "GOROOT", version=version)
        assert (broken.returncode, broken.stderr) == (2, "go: cannot find GOROOT directory: /nonexistent\n")
        found = healthy.findings()
        assert list(found) == ["goroot-env-file"]
        assert found["goroot-env-file"]["where"] == f"`{healthy.env_file}` line 1"
        assert "which is not there" in found["goroot-env-file"]["what"]
        assert healthy.data("--fix", "--yes")["fixed"] == ["goroot-env-file"]
        healed = healthy.go("version", version=version)
        assert healed.stdout.startswith(f"go version go{version} ")

    def test_all_other_lines_stay_byte_by_byte(self, healthy: Healthy) -> None:
        healthy.set_go("")
        healthy.env_file.write_bytes(self.LINES)
        healthy.env_file.chmod(0o640)
        assert healthy.data("--fix", "--yes")["fixed"] == ["goroot-env-file"]
        assert healthy.env_file.read_bytes() == self.LINES.replace(b"GOROOT=/usr/local/go-1.20\n", b"")
        assert healthy.env_file.stat().st_mode & 0o777 == 0o640

    def test_a_file_behind_a_link_is_changed_where_it_is(self, healthy: Healthy) -> None:
        healthy.set_go("")
        healthy.env_file.unlink()
        (healthy.user.home / "dotfiles").write_text("GOROOT=/x\nGOFLAGS=-v\n")
        healthy.env_file.symlink_to(healthy.user.home / "dotfiles")
        healthy.doctor("--fix", "--yes")
        assert healthy.env_file.is_symlink()
        assert (healthy.user.home / "dotfiles").read_text() == "GOFLAGS=-v\n"

    def test_another_go_s_is_found_as_well(self, healthy: Healthy) -> None:
        healthy.set_go(f"GOROOT={healthy.home.versions}/go{OLD}\n")
        found = healthy.findings()["goroot-env-file"]
        assert "which is not the Go that runs here" in found["what"]
        assert "every Go of yours takes it for its own" in found["why"]

    @pytest.mark.parametrize(
        ("value", "severity", "clause"),
        [
            ("/nonexistent", "warning", "which is not there"),
            ("{root}/versions/go1.21.6", "warning", "which is not the Go that runs here"),
            ("{root}/links/go", "note", "the Go that runs here"),
        ],
    )
    def test_in_the_environment(self, healthy: Healthy, value: str, severity: str, clause: str) -> None:
        found = healthy.findings(GOROOT=value.format(root=healthy.home.root))
        assert list(found) == ["goroot-environment"]
        assert (
            found["goroot-environment"]["severity"],
            found["goroot-environment"]["what"].endswith(clause),
        ) == (
            severity,
            True,
        )

    @pytest.mark.parametrize(
        ("file", "line"),
        [
            (".bashrc", "export GOROOT=/usr/local/go"),
            (".profile", "GOROOT=$HOME/go1.20; export GOROOT PATH"),
            (".zshenv", "typeset -x GOROOT=/opt/go"),
            (".bash_profile", 'X=1 && export GOROOT="/a b"'),
            (".bashrc", "    export GOPATH=/y GOROOT=/x"),
            (".config/fish/config.fish", "set -gx GOROOT /usr/local/go"),
            (".config/fish/config.fish", "set -x -U GOROOT /usr/local/go"),
        ],
    )
    def test_in_an_rc_file(self, healthy: Healthy, file: str, line: str) -> None:
        path = healthy.user.home / file
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text() if path.exists() else ""
        path.write_text(f"# first . ~/.bashrc\n. ~/.bashrc\n{line}\n{before}")
        found = healthy.findings()
        assert list(found) == ["goroot-rc-file"]
        assert found["goroot-rc-file"]["where"] == f"`{path}` line 3"

    @pytest.mark.parametrize(
        "line",
        [
            "# export GOROOT=/x",
            "unset GOROOT",
            "export GOROOT=",
            'echo "$GOROOT"',
            "set -e GOROOT",
            "MYGOROOT=/x",
        ],
    )
    def test_what_sets_none_is_left_in_peace(self, healthy: Healthy, line: str) -> None:
        healthy.rc.write_text(f"{line}\n{healthy.rc.read_text()}")
        assert healthy.findings() == {}


@dataclass(frozen=True)
class Case:
    """Go's env file, an environment, and what is to be found."""

    found: str
    user: str = ""
    environ: dict[str, str] = field(default_factory=dict)
    severity: str = "warning"
    cure: str = ""


SETTINGS = {
    "fixed": Case("gotoolchain-fixed", environ={"GOTOOLCHAIN": "go1.21.6"}, cure="unset GOTOOLCHAIN"),
    "fixed in the file": Case(
        "gotoolchain-fixed", "GOTOOLCHAIN=go1.23.5+auto\n", cure="go env -u GOTOOLCHAIN"
    ),
    "invalid": Case("gotoolchain-invalid", environ={"GOTOOLCHAIN": "1.22.3"}, severity="error"),
    "invalid mode": Case("gotoolchain-invalid", environ={"GOTOOLCHAIN": "local+no"}, severity="error"),
    "local": Case("", environ={"GOTOOLCHAIN": "local"}),
    "path": Case("", "GOTOOLCHAIN=path\n"),
    "local+auto": Case("", "GOTOOLCHAIN=local+auto\n"),
    "database off": Case("gosumdb-off", "GOSUMDB=off\n", cure="go env -w GOSUMDB=sum.golang.google.cn"),
    "database off, local": Case("", environ={"GOSUMDB": "off", "GOTOOLCHAIN": "local"}),
    "database off, path": Case("", environ={"GOSUMDB": "off", "GOTOOLCHAIN": "path"}),
    "another database": Case("", environ={"GOSUMDB": "sum.golang.google.cn"}),
    "GOPATH mode": Case(
        "go111module-set", "GO111MODULE=auto\n", severity="note", cure="go env -u GO111MODULE"
    ),
    "module mode": Case("", environ={"GO111MODULE": "on"}),
    "proxy": Case("goproxy-malformed", "GOPROXY=proxy\n", severity="error", cure="go env -u GOPROXY"),
    "proxy list": Case("", environ={"GOPROXY": "https://goproxy.cn|direct"}),
    "quotes": Case("go-env-file-line", 'GOFLAGS="-v"\n'),
    "export": Case("go-env-file-line", "export GOFLAGS=-v\n"),
    "leading blank": Case("go-env-file-line", " GOFLAGS=-v\n"),
    "carriage return": Case("go-env-file-line", "GOFLAGS=-v\r\n"),
    "no sign": Case("go-env-file-line", "GOFLAGS\n"),
    "comments and blanks": Case("", "# a=b\n\n  \n  # c\nGOFLAGS=-v\nGOPRIVATE=\n"),
    "off": Case("", "GOROOT=/nonexistent\n", {"GOENV": "off"}),
    "relative": Case("directory-relative", environ={"GOPATH": "go"}, severity="error", cure="unset GOPATH"),
    "relative, one of two": Case(
        "directory-relative", "GOPATH=%HOME%/go:~/go\n", severity="error", cure="go env -u GOPATH"
    ),
    "relative bin": Case("directory-relative", environ={"GOBIN": "bin"}, severity="error"),
}


@pytest.mark.parametrize("case", SETTINGS.values(), ids=SETTINGS)
def test_settings_of_go(healthy: Healthy, case: Case) -> None:
    if case.user:
        healthy.set_go(case.user.replace("%HOME%", str(healthy.user.home)))
    found = healthy.findings(**case.environ)
    assert list(found) == [case.found][: bool(case.found)]
    if case.found:
        assert found[case.found]["severity"] == case.severity
        assert found[case.found]["fix"]["command"] == (case.cure or found[case.found]["fix"]["command"])


def test_an_env_file_that_cannot_be_read(healthy: Healthy) -> None:
    """Go passes it over without a word."""
    healthy.set_go("GOFLAGS=-v\n")
    healthy.env_file.chmod(0o000)
    found = healthy.findings()
    assert list(found) == ["go-env-file-unreadable"]
    assert found["go-env-file-unreadable"]["what"].endswith(": Permission denied")


def test_an_env_file_of_somebody_else_s(healthy: Healthy) -> None:
    healthy.set_go("GOFLAGS=-v\n")
    healthy.give_away(healthy.env_file)
    found = {each["id"]: each for each in healthy.data()["findings"]}
    assert found["go-env-file-foreign"]["fix"]["command"].endswith(f": -- {healthy.env_file}")


@pytest.mark.parametrize("setting", ["1.22.3", "local+no", "go", "auto+path"])
def test_what_is_called_invalid_go_refuses(healthy: Healthy, setting: str) -> None:
    assert "gotoolchain-invalid" in healthy.findings(GOTOOLCHAIN=setting)
    healthy.env["GOTOOLCHAIN"] = setting
    assert "invalid GOTOOLCHAIN" in healthy.go("version").stderr


# As each manager's own instructions have them.
MANAGERS = {
    "gvm": '[[ -s "$HOME/.gvm/scripts/gvm" ]] && source "$HOME/.gvm/scripts/gvm"',
    "goenv": 'export GOENV_ROOT="$HOME/.goenv"\nexport PATH="$GOENV_ROOT/bin:$PATH"\neval "$(goenv init -)"',
    "asdf": '. "$HOME/.asdf/asdf.sh"',
    "asdf since 0.16": 'export PATH="${ASDF_DATA_DIR:-$HOME/.asdf}/shims:$PATH"',
    "g": (
        'export GOPATH="$HOME/go"; export GOROOT="$HOME/.go"; export PATH="$GOPATH/bin:$PATH";'
        " # g-install: do NOT edit, see https://github.com/stefanmaric/g"
    ),
    "g of voidint": '[ -s "${HOME}/.g/env" ] && \\. "${HOME}/.g/env"  # g shell setup',
    "gobrew": 'export PATH="$HOME/.gobrew/current/bin:$HOME/.gobrew/bin:$PATH"',
    "gimme": 'eval "$(gimme 1.20)"',
}


@pytest.mark.parametrize("name", MANAGERS)
def test_lines_of_other_managers(healthy: Healthy, name: str) -> None:
    (healthy.user.home / ".asdf" / "plugins" / "golang").mkdir(parents=True)
    healthy.rc.write_text(f"{MANAGERS[name]}\n{healthy.rc.read_text()}")
    found = healthy.findings()
    found.pop("goroot-rc-file", None)
    assert list(found) == ["other-manager"]
    assert f"the version manager {name.partition(' ')[0]} sets" in found["other-manager"]["what"]
    assert found["other-manager"]["where"].startswith(f"`{healthy.rc}` line 1")


@pytest.mark.parametrize(
    "line", ["# source ~/.gvm/scripts/gvm", "alias g=git", "cd ~/.gvmpy", '. "$HOME/.asdf/asdf.sh"']
)
def test_lines_that_set_no_go_up(healthy: Healthy, line: str) -> None:
    """The asdf without its plugin for Go manages other languages."""
    healthy.rc.write_text(f"{line}\n{healthy.rc.read_text()}")
    assert healthy.findings() == {}


class TestPath:
    def other(self, healthy: Healthy) -> str:
        directory = healthy.user.home / "other" / "bin"
        directory.mkdir(parents=True)
        (directory / "go").write_text("#!/bin/sh\n")
        (directory / "go").chmod(0o755)
        return str(directory)

    def test_another_go_first(self, healthy: Healthy) -> None:
        other, shims = self.other(healthy), healthy.home.shims
        found = healthy.findings(PATH=f"/usr/bin:{other}:{shims}:/bin")
        assert list(found) == ["path-shims-not-first", "path-several-go"]
        assert found["path-shims-not-first"]["severity"] == "warning"
        order = f"`{other}/go`, then `{shims}/go`"
        assert found["path-several-go"]["what"] == f"there is more than one `go` to be had: {order}"

    def test_another_go_behind_is_a_note(self, healthy: Healthy) -> None:
        path = f"{healthy.home.shims}:{self.other(healthy)}:/usr/bin:/bin"
        assert {each["severity"] for each in healthy.findings(PATH=path).values()} == {"note"}
        assert healthy.doctor(PATH=path).returncode == 0

    def test_no_shims_is_a_note(self, healthy: Healthy) -> None:
        """This shell may be older than gvmpy, or meant to have none."""
        found = healthy.findings(PATH="/usr/bin:/bin")
        assert list(found) == ["path-without-shims"]
        assert found["path-without-shims"]["severity"] == "note"

    def test_shims_by_another_spelling(self, healthy: Healthy) -> None:
        (healthy.user.home / "link").symlink_to(healthy.home.shims)
        assert healthy.findings(PATH=f"{healthy.user.home}/link:/usr/bin:/bin:{healthy.home.shims}/") == {}
