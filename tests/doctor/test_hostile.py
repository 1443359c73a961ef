"""Names and values from outside are shown harmless, and what cannot be looked at does not stop the rest."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.doctor.conftest import Healthy

STEER = "a\x1b[2J\nerror: b\x9b\u202e"


def test_no_name_steers_the_terminal(healthy: Healthy) -> None:
    place = healthy.user.home / STEER
    place.mkdir()
    place.chmod(0o500)
    (healthy.home.links / STEER).symlink_to("nowhere")
    (healthy.home.shims / STEER).touch()
    healthy.set_go(f"GOROOT=/x\x1b]0;y\x07\nGOBIN={healthy.user.home}/go/bin\n\x1b=1\n")
    healthy.rc.write_text(f"export GOROOT=/y\x1b[1m\n{healthy.rc.read_text()}")
    result = healthy.doctor(GOBIN=str(place), GOROOT=f"/{STEER}")
    assert result.returncode == 1
    text = result.stdout + result.stderr
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
    assert "\nerror: b" not in text
    found = json.loads(healthy.doctor("--json", GOBIN=str(place)).stdout)["data"]["findings"]
    assert str(place) in [each["where"].strip("`") for each in found]


def test_commands_mean_the_names_they_are_for(healthy: Healthy) -> None:
    """... though nothing of them steers the terminal."""
    for name in (STEER, "a'b; $(touch x) \\n", b"\xff%\\".decode("utf-8", "surrogateescape")):
        place = healthy.user.home / name
        place.mkdir()
        place.chmod(0o500)
        result = healthy.doctor(GOBIN=str(place))
        [line] = [line for line in result.stdout.splitlines() if line.startswith("  fix: ")]
        cure = line.removeprefix("  fix:   ").partition(" (`gvmpy")[0]
        assert cure.isprintable()
        subprocess.run(["sh", "-c", cure], check=True)
        assert place.stat().st_mode & 0o777 == 0o700


def test_names_that_are_no_text(healthy: Healthy) -> None:
    name = b"\xff\xfe".decode("utf-8", "surrogateescape")
    (healthy.home.shims / name).touch()
    result = healthy.doctor()
    assert (result.returncode, "Traceback" in result.stderr) == (1, False)
    assert "shims-stranger" in healthy.findings()


def test_what_cannot_be_looked_at(healthy: Healthy) -> None:
    healthy.home.locks.chmod(0o000)
    result = healthy.doctor()
    assert result.returncode == 2
    assert result.stderr == (
        f"warning: could not check (check_locks): `{healthy.home.locks}`: Permission denied\n"
    )
    data = healthy.data()
    assert data["unchecked"] == [
        {"check": "check_locks", "reason": f"`{healthy.home.locks}`: Permission denied"}
    ]
    (healthy.home.shims / "go").unlink()
    assert healthy.doctor().returncode == 1


def test_files_that_are_none(healthy: Healthy) -> None:
    """A directory, or a device that never ends, in the place of what is read."""
    healthy.set_go("")
    healthy.env_file.unlink()
    healthy.env_file.symlink_to("/dev/zero")
    (healthy.user.home / ".profile").symlink_to("/dev/zero")
    (healthy.home.shims / "gofmt").unlink()
    (healthy.home.shims / "gofmt").mkdir()
    result = healthy.doctor()
    assert result.returncode in {1, 2}
    assert "Traceback" not in result.stderr
