from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from gvmpy import workers
from gvmpy.errors import HostError, IntegrityError, NoSuchVersionError
from gvmpy.workers import Worker

TASKS = """
import errno, os, signal, sys, time
from gvmpy.errors import IntegrityError, NoSuchVersionError

def echo(payload): return payload
def noisy(payload): print("noise"); sys.stdout.flush(); os.write(1, b"more"); return payload
def integrity(payload): raise IntegrityError("the archive is wrong", hint="try again", details=("a", "b"))
def no_version(payload): raise NoSuchVersionError("no such version")
def no_space(payload): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), payload)
def bug(payload): return {}["absent"]
def killed(payload): os.kill(os.getpid(), payload)
def leaves(payload): sys.exit(payload)
def sleep(payload): time.sleep(600)
def meet(payload):
    mine, other = payload
    open(mine, "w").close()
    for _ in range(3000):
        if os.path.exists(other): return os.getpid()
        time.sleep(0.01)
"""
REPOSITORY = Path(workers.__file__).parents[1]


@pytest.fixture(autouse=True)
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "worker_tasks.py").write_text(TASKS)
    monkeypatch.syspath_prepend(str(tmp_path))


def call(task: str, payload: object) -> object:
    with Worker.start(f"worker_tasks:{task}") as worker:
        worker.send(payload)
        return worker.result()


def is_gone(pid: int) -> bool:
    """Whether the process has ended, even where nobody collects its status."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return not state.strip() or state.startswith("Z")


def wait_until_gone(pid: int) -> None:
    for _ in range(3000):
        if is_gone(pid):
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} lives on")


@pytest.mark.parametrize(
    "payload", [None, 0, "text \udcff", b"\0" * 3_000_000, (1, [2.5, {"three": b"4"}])], ids=lambda _: ""
)
def test_payload_and_result_cross_unchanged(payload: object) -> None:
    assert call("echo", payload) == payload


def test_what_a_worker_prints_stays_out_of_its_answer(capfd: pytest.CaptureFixture[str]) -> None:
    assert call("noisy", 7) == 7
    assert capfd.readouterr().out == ""


def test_expected_errors_come_back_as_themselves() -> None:
    with pytest.raises(IntegrityError, match=r"^the archive is wrong$") as caught:
        call("integrity", None)
    assert caught.value.hint == "try again"
    assert caught.value.details == ("a", "b")
    with pytest.raises(NoSuchVersionError):
        call("no_version", None)


def test_os_errors_come_back_as_host_errors_that_name_the_path() -> None:
    strerror = os.strerror(errno.ENOSPC)
    with pytest.raises(HostError, match=f"^cannot use `/some/path`: {strerror}$"):
        call("no_space", "/some/path")
    with pytest.raises(HostError, match=r"`/some\\x1bpath`"):
        call("no_space", b"/some\x1bpath")


def test_a_bug_shows_its_traceback() -> None:
    with pytest.raises(RuntimeError, match="KeyError: 'absent'"):
        call("bug", None)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_killed_worker_is_a_host_error(number: signal.Signals) -> None:
    with pytest.raises(HostError, match=f"was ended by {number.name}"):
        call("killed", int(number))


def test_a_worker_that_leaves_is_a_host_error() -> None:
    with pytest.raises(HostError, match="ended early with status 3"):
        call("leaves", 3)


def test_a_worker_that_dies_before_its_payload_is_a_host_error() -> None:
    with Worker.start("worker_tasks:echo") as worker:
        os.kill(worker.pid, signal.SIGKILL)
        wait_until_gone(worker.pid)
        worker.send(b"x" * 1_000_000)
        with pytest.raises(HostError, match="SIGKILL"):
            worker.result()


def test_an_interpreter_that_cannot_be_started_is_a_host_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(HostError, match="cannot start `/nonexistent/python`"):
        Worker.start("worker_tasks:echo")


def test_workers_run_at_once(tmp_path: Path) -> None:
    first, second = str(tmp_path / "1"), str(tmp_path / "2")
    with Worker.start("worker_tasks:meet") as one, Worker.start("worker_tasks:meet") as other:
        one.send((first, second))
        other.send((second, first))
        pids = [one.result(), other.result()]
    assert len(set(pids)) == 2
    assert None not in pids


def test_leaving_the_block_ends_the_worker() -> None:
    with Worker.start("worker_tasks:sleep") as worker:
        worker.send(None)
    assert is_gone(worker.pid)


def test_interrupt_while_waiting_ends_the_worker() -> None:
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    def wait_for_alarm(pids: list[int]) -> None:
        with Worker.start("worker_tasks:sleep") as worker:
            pids.append(worker.pid)
            worker.send(None)
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            worker.result()

    pids: list[int] = []
    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            wait_for_alarm(pids)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert [is_gone(pid) for pid in pids] == [True]


def test_a_worker_has_a_session_of_its_own() -> None:
    with Worker.start("worker_tasks:sleep") as worker:
        assert os.getsid(worker.pid) == worker.pid


@pytest.mark.parametrize("busy", [True, False], ids=["at work", "waiting for its payload"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_worker_never_outlives_its_parent(tmp_path: Path, number: signal.Signals, *, busy: bool) -> None:
    script = f"""
        import sys, time
        sys.path[:0] = [{os.fspath(tmp_path)!r}, {os.fspath(REPOSITORY)!r}]
        from gvmpy.workers import Worker
        with Worker.start("worker_tasks:sleep") as worker:
            if {busy}:
                worker.send(None)
            print(worker.pid, flush=True)
            time.sleep(600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not is_gone(pid)
        parent.send_signal(number)
        parent.wait()
        wait_until_gone(pid)


@pytest.mark.parametrize(
    "module",
    [
        "gvmpy.install.archives.tar",
        "gvmpy.install.archives.zip_members",
        "gvmpy.trust.dirhash",
        "gvmpy.trust.tree",
        "gvmpy.workers",
    ],
)
def test_what_workers_import_is_cheap(module: str) -> None:
    # -S: what .pth files of a development environment import is not ours
    script = f"import sys; sys.path.append({os.fspath(REPOSITORY)!r}); import {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert module in loaded
    assert not loaded & {"typing", "dataclasses", "pathlib", "re", "subprocess", "json"}


def test_two_workers_at_most() -> None:
    assert workers.count() in {1, 2}
