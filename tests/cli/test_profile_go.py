"""What real go commands make of a profile: in a new shell, without any, and in files of every shape."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from gvmpy.config import Config
from gvmpy.errors import UsageError
from gvmpy.goenv.envfile import env_file_path
from gvmpy.home import Home
from gvmpy.profiles.apply import apply_profile
from gvmpy.profiles.model import Profiles
from gvmpy.profiles.values import check_value
from gvmpy.profiletables import GO_SETTINGS, PROXY_SETTINGS, ProfileTables
from tests.cli.conftest import NEW, OLD
from tests.support.toolchains import serve_goproxy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Site
    from tests.support.toolchains import Toolchain

CN = ["https://goproxy.cn,direct", "sum.golang.google.cn"]
FILES = {
    "none": None,
    "ordinary": b"GOPROXY=https://mine.example\nGOFLAGS=-mod=mod\n",
    "no newline at the end": b"GOFLAGS=-mod=mod",
    "several of one": b"GOPROXY=a\nGOSUMDB=b\nGOPROXY=c\n",
    "carriage returns": b"GOPROXY=https://mine.example\r\nGOSUMDB=off\r\n",
    "byte order mark": b"\xef\xbb\xbfGOPROXY=https://mine.example\n",
    "junk": b"\xff\xfe\n=\nexport GOPROXY=x\n GOSUMDB=y\nGOPROXY\n#GOSUMDB=off\n",
}


def go(goroot: Path, environ: Mapping[str, str], *arguments: str, cwd: Path | None = None) -> list[str]:
    own = {"GOTOOLCHAIN": "local", "GOPATH": "/nonexistent/path", "GOCACHE": "/nonexistent/cache"}
    output = subprocess.check_output(
        [str(goroot / "bin" / "go"), *arguments], env={**own, **environ}, cwd=cwd or "/", timeout=60
    )
    return output.decode().removesuffix("\n").split("\n")


@pytest.fixture
def goroot(shared_root: Path) -> Path:
    return shared_root / "versions" / f"go{NEW}"


@pytest.mark.parametrize("case", FILES)
def test_go_reads_what_was_written_and_all_else_as_before(goroot: Path, tmp_path: Path, case: str) -> None:
    environ = {"HOME": str(tmp_path)}
    file = env_file_path(environ)
    assert file is not None
    content = FILES[case]
    if content is not None:
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
    names = ("GOPROXY", "GOSUMDB", "GOFLAGS", "GOPRIVATE")
    before = go(goroot, environ, "env", *names)
    home = Home(tmp_path / "root")
    work = ProfileTables({"work": {"GOPRIVATE": "*.corp", "GOFLAGS": "'-ldflags=-s -w'"}})
    apply_profile(home, Config(profile="cn"), environ, None)
    assert go(goroot, environ, "env", *names) == [*CN, *before[2:]]
    apply_profile(home, Config(profile="work", profile_tables=work), environ, None)
    assert go(goroot, environ, "env", *names) == [*before[:2], "'-ldflags=-s -w'", "*.corp"]
    apply_profile(home, Config(), environ, None)
    assert (file.read_bytes() if file.exists() else None) == content


def test_what_go_writes_in_between_is_kept(goroot: Path, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    file = env_file_path(environ)
    assert file is not None
    home = Home(tmp_path / "root")
    go(goroot, environ, "env", "-w", "GOPROXY=https://mine.example", "GOBIN=/b")
    apply_profile(home, Config(profile="cn"), environ, None)
    go(goroot, environ, "env", "-w", "GOSUMDB=off", "GOFLAGS=-v")
    told = apply_profile(home, Config(), environ, None).changes
    assert any("GOSUMDB" in line and "changed by hand and stays: off" in line for line in told)
    assert sorted(file.read_text().split()) == [
        *("GOBIN=/b", "GOFLAGS=-v", "GOPROXY=https://mine.example", "GOSUMDB=off"),
    ]


def test_go_accepts_each_setting_that_is_put_into_its_file(tmp_path: Path) -> None:
    """By the system's go, which is new enough to know GOAUTH; the proxies of HTTP it refuses."""
    program = shutil.which("go")
    assert program, "a go is on PATH where these tests run"
    values = {"GOFLAGS": "-v", "GOVCS": "*:off", "GOTOOLCHAIN": "local", "GOSUMDB": "off"}
    for name in (*GO_SETTINGS, *PROXY_SETTINGS):
        finished = subprocess.run(
            [program, "env", "-w", f"{name}={values.get(name, 'off')}"],
            env={"HOME": str(tmp_path), "GOTOOLCHAIN": "local" if name != "GOTOOLCHAIN" else ""},
            cwd="/",
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert (finished.returncode == 0) is (name in GO_SETTINGS), (name, finished.stderr)


@pytest.mark.parametrize(
    ("name", "value", "arguments", "said"),
    [
        ("GOTOOLCHAIN", "1.22.3", ("version",), "invalid GOTOOLCHAIN"),
        ("GOFLAGS", "mod=mod", ("version",), "non-flag"),
        ("GOFLAGS", "'-v", ("version",), "unterminated"),
        ("GOPROXY", "nonsense", ("mod", "download", "rsc.io/quote@v1.5.2"), "invalid proxy URL"),
        ("GOPROXY", "http://a:b@127.0.0.1:1", ("mod", "download", "rsc.io/quote@v1.5.2"), "insecure"),
        ("GOVCS", "github.com", ("mod", "download", "example.com/x.git@v1.0.0"), "missing colon"),
    ],
)
def test_go_refuses_what_is_refused_here(
    goroot: Path, tmp_path: Path, name: str, value: str, arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError):
        check_value(name, value)
    environ = {"HOME": str(tmp_path), "GOPATH": str(tmp_path), "GOCACHE": str(tmp_path), "GOPROXY": "direct"}
    environ |= {"GOFLAGS": "-modcacherw", "GOTOOLCHAIN": "local"} | {name: value}
    finished = subprocess.run(
        [str(goroot / "bin" / "go"), *arguments],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode != 0
    assert said in finished.stderr


def test_flags_that_the_default_go_does_not_know_are_not_written(owner: User) -> None:
    assert owner.run("use", OLD, "--default").returncode == 0
    assert owner.run("profile", "set", "p", "GOFLAGS", "--", "-trimpath -nonsense").returncode == 0
    refused = owner.run("profile", "use", "p")
    assert refused.returncode == 2
    assert "unknown flag -nonsense" in refused.stderr
    assert not (owner.home / ".config" / "go").exists()
    assert owner.run("profile", "set", "p", "GOFLAGS", "--", "-trimpath").returncode == 0
    assert (owner.home / ".config" / "go" / "env").read_text() == "GOFLAGS=-trimpath\n"


def test_offline_asks_nobody_even_for_private_modules(goroot: Path, tmp_path: Path) -> None:
    """GOPROXY=off alone lets what GOPRIVATE matches go direct, as the first answer shows."""
    environ = {
        "HOME": str(tmp_path),
        "GOPATH": str(tmp_path),
        "GOCACHE": str(tmp_path),
        "GOTOOLCHAIN": "local",
    }
    environ |= {"GOPRIVATE": "127.0.0.1", "HTTPS_PROXY": "http://127.0.0.1:1", "GOFLAGS": "-modcacherw"}

    def said(**more: str) -> str:
        command = [str(goroot / "bin" / "go"), "mod", "download", "127.0.0.1/x@v1.0.0"]
        return subprocess.run(
            command, env=environ | more, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        ).stderr

    assert "module lookup disabled by GOPROXY=off" not in said(GOPROXY="off")
    offline = Profiles.of(Config(), environ).find("offline")
    assert "module lookup disabled by GOPROXY=off" in said(**offline.settings)


def test_sumdb_off_breaks_what_the_warning_says(
    goroot: Path, tmp_path: Path, site: Site, real_toolchains: dict[str, Toolchain]
) -> None:
    """The proxy has the toolchain that go.mod asks for, and Go refuses it."""
    serve_goproxy(site, [real_toolchains["1.25.5"]])
    (tmp_path / "go.mod").write_text("module m\n\ngo 1.25.5\n")
    environ = {"HOME": str(tmp_path), "GOPATH": str(tmp_path / "p"), "GOCACHE": str(tmp_path / "c")}
    environ |= {"GOPROXY": f"{site.base}/proxy", "GOFLAGS": "-modcacherw", "GOTOOLCHAIN": "auto"}
    finished = subprocess.run(
        [str(goroot / "bin" / "go"), "version"],
        env=environ | {"GOSUMDB": "off"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert finished.returncode != 0
    assert "checksum database disabled by GOSUMDB=off" in finished.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "dash", "fish"])
def test_a_shell_that_changes_the_profile_has_the_new_one(user: User, shell: str) -> None:
    assert user.run("init", "--install", "--shell", "bash").returncode == 0
    file = user.root / "shell" / f"init.{'fish' if shell == 'fish' else 'sh'}"
    words = [f". '{file}'", "gvmpy profile use cn", "gvmpy profile use offline", "printenv GOPROXY"]
    words += [
        "env | grep -c _GVMPY_READS_AGAIN",
        "gvmpy profile use nothing || echo refused",
        "printenv GOPROXY",
    ]
    finished = subprocess.run(
        [shell, "-c", "\n".join(words)],
        env=user.env,
        cwd=user.home,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert finished.stdout.splitlines() == [
        *("the profile in use is now cn", "the profile in use is now offline", "off", "0", "refused", "off"),
    ]
    assert "warning" not in finished.stderr


def test_new_shells_ides_and_cron_see_the_same(owner: User) -> None:
    """The whole way: a profile, a default, and then go started in every way people start it."""
    assert owner.run("init", "--install", "--shell", "bash").returncode == 0
    assert owner.run("profile", "use", "cn").returncode == 0
    assert owner.run("use", OLD, "--default").returncode == 0
    question = "go version; go env GOPROXY GOSUMDB"
    answer = [f"go version go{OLD}", *CN]

    def told(*command: str, **env: str) -> list[str]:
        finished = subprocess.run(
            command,
            env={"HOME": str(owner.home), "PATH": "/usr/bin:/bin"} | env,
            cwd=owner.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return [line.rpartition(" linux/")[0] or line for line in finished.stdout.splitlines()]

    shell = told("bash", "-i", "-c", f"printenv GOPROXY GOSUMDB; {question}")
    assert shell == [*CN, *answer]
    path = f"{owner.root}/shims:/usr/bin:/bin"
    # A desktop's IDE: no rc file, no shim, the SDK's own binary with GOROOT as GoLand sets it.
    binary = str(owner.root / "links" / "go" / "bin" / "go")
    ide = {"GOROOT": str(owner.root / "links" / "go")}
    assert told(binary, "version", **ide) + told(binary, "env", "GOPROXY", "GOSUMDB", **ide) == answer
    cron = ["env", "-i", f"PATH={path}", f"HOME={owner.home}", "sh", "-c", question]
    assert told(*cron) == answer
    assert owner.run("profile", "use", "default").returncode == 0
    assert CN[0] not in told(*cron)
    assert CN[0] not in told("bash", "-i", "-c", question)
