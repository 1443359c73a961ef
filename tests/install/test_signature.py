"""`gvmpy install --verify-signature`, against an official origin on loopback and keys made here."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from gvmpy.config import Config
from gvmpy.errors import HostError, IntegrityError
from gvmpy.install.signature import signature_beside
from tests.support import tiny
from tests.support.signing import EXPIRY, NOW, THEN, Keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Site
    from tests.support.signing import Signer

VERSION = tiny.VERSION


@pytest.fixture(scope="module")
def signer() -> Iterator[Signer]:
    with Keys() as keys:
        yield keys.make("releases")


@pytest.fixture
def archive(fast_path: Path, user: User, site: Site, signer: Signer) -> Path:
    """An archive that is served with its signature, by somebody whose key `user` has pinned."""
    path = tiny.archive(fast_path)
    tiny.serve_official(site, user, path)
    site.body(f"/mirror/{path.name}.asc", signer.sign(path.read_bytes()))
    key = fast_path / "key.asc"
    key.write_bytes(signer.public())
    user.env |= {"GVMPY_TRUST_KEY": str(key), "GVMPY_TRUST_FINGERPRINT": signer.fingerprint}
    return path


def nothing_installed(user: User) -> bool:
    return not user.installed() and not user.leavings()


@pytest.mark.parametrize("how", ["option", "minimum"])
def test_the_receipt_names_the_key_and_the_time(
    user: User, site: Site, archive: Path, signer: Signer, how: str
) -> None:
    option = ["--verify-signature"] if how == "option" else []
    minimum = {} if how == "option" else {"GVMPY_TRUST_MINIMUM": "signature"}
    result = user.run("install", VERSION, *option, **minimum)
    assert result.returncode == 0, result.stderr
    receipt = json.loads((user.root / "receipts" / f"go{VERSION}.json").read_bytes())
    evidence = receipt["evidence"]
    assert receipt["trust"] == "signature"
    assert (evidence["fingerprint"], evidence["subkey"]) == (signer.fingerprint, signer.subkey)
    assert evidence["signature"] == f"{site.base}/mirror/{archive.name}.asc"
    assert evidence["index"].startswith(site.base)
    said = f"proven by the signature of {signer.fingerprint}, made {evidence['signed_at']}"
    assert result.stdout == f"installed go{VERSION} from official, {said}\n"
    assert user.run("list").stdout.splitlines()[1].split()[:2] == [VERSION, "signature"]


def test_without_the_option_no_signature_is_asked_for(user: User, site: Site, archive: Path) -> None:
    assert user.run("install", VERSION).returncode == 0
    assert site.asked(f"/mirror/{archive.name}.asc") == []


def test_a_signature_of_another_archive_is_refused(
    user: User, site: Site, archive: Path, signer: Signer
) -> None:
    site.body(f"/mirror/{archive.name}.asc", signer.sign(b"another release"))
    result = user.run("install", VERSION, "--verify-signature", "--json")
    (error,) = json.loads(result.stdout)["errors"]
    assert (result.returncode, error["kind"]) == (5, "integrity")
    assert "is not a signature of this file" in error["message"]
    assert f"{site.base}/mirror/{archive.name}.asc" in error["message"]
    assert nothing_installed(user)


def test_an_index_that_lies_does_not_get_past_the_signature(
    user: User, site: Site, archive: Path, fast_path: Path
) -> None:
    signature = site.paths[f"/mirror/{archive.name}.asc"]
    (fast_path / "evil").mkdir()
    evil = tiny.archive(fast_path / "evil", tiny.tree() | {"src/evil.go": b"package evil\n"})
    tiny.serve_official(site, user, evil)
    site.paths[f"/mirror/{archive.name}.asc"] = signature
    assert user.run("install", VERSION, "--verify-signature").returncode == 5
    assert nothing_installed(user)


def test_a_missing_signature_is_refused_before_the_archive(user: User, site: Site, archive: Path) -> None:
    del site.paths[f"/mirror/{archive.name}.asc"]
    result = user.run("install", VERSION, "--verify-signature")
    assert result.returncode == 5
    assert f"official: has no signature of go{VERSION}" in result.stderr
    assert f"{site.base}/mirror/{archive.name}.asc answered 404" in result.stderr
    assert site.asked(f"/mirror/{archive.name}") == []
    assert nothing_installed(user)


def test_a_mirror_without_signatures_is_passed_over(user: User, site: Site, archive: Path) -> None:
    site.paths[f"/dl/{archive.name}.asc"] = site.paths[f"/mirror/{archive.name}.asc"]
    site.body(f"/mirror/{archive.name}.asc", b"<html>not here</html>", "text/html")
    result = user.run("install", VERSION, "--verify-signature")
    assert result.returncode == 0, result.stderr


def test_a_server_in_trouble_is_a_matter_of_the_network(user: User, site: Site, archive: Path) -> None:
    site.paths[f"/mirror/{archive.name}.asc"] = lambda request: request.answer(403)
    result = user.run("install", VERSION, "--verify-signature")
    assert result.returncode == 4
    assert ".asc answered 403" in result.stderr


def test_a_source_without_signatures_does_not_serve(user: User, site: Site, archive: Path) -> None:
    zipped = tiny.module_zip(archive.parent)
    from tests.trust.fakedb import FakeDatabase

    tiny.serve_goproxy(site, user, zipped, FakeDatabase())
    result = user.run("install", VERSION, "--verify-signature", GVMPY_SOURCES="goproxy")
    assert result.returncode == 5
    assert (
        "goproxy: proves only `transparency-log` where `trust.minimum` asks for `signature`" in result.stderr
    )


def test_without_gpg_it_is_said_what_to_do(user: User, archive: Path, fast_path: Path) -> None:
    result = user.run("install", VERSION, "--verify-signature", PATH=str(fast_path / "none"))
    assert result.returncode == 6
    assert "takes `gpg`, which is not on PATH" in result.stderr
    assert "apt install gnupg" in result.stderr
    assert nothing_installed(user)


def test_what_is_installed_with_less_proof_does_not_count(user: User, archive: Path) -> None:
    assert user.run("install", VERSION).returncode == 0
    result = user.run("install", VERSION, "--verify-signature")
    assert result.returncode == 5
    assert "is installed, but proven only by `origin-sha256`" in result.stderr


def test_a_fingerprint_that_is_none_is_a_mistake_of_the_settings(user: User, archive: Path) -> None:
    result = user.run("install", VERSION, "--verify-signature", GVMPY_TRUST_FINGERPRINT="7721F63BD38B4796")
    assert result.returncode == 2
    assert "`trust.fingerprint` is not a fingerprint" in result.stderr


def test_a_signature_beside_a_file_proves_it(archive: Path, signer: Signer) -> None:
    config = Config(trust_key=str(archive.parent / "key.asc"), trust_fingerprint=signer.fingerprint)
    assert signature_beside(archive, config, os.environ) is None
    sheet = archive.with_name(f"{archive.name}.asc")
    sheet.write_bytes(signer.sign(archive.read_bytes()))
    found = signature_beside(archive, config, os.environ)
    assert found is not None
    assert found.sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert (found.evidence["fingerprint"], found.evidence["signature"]) == (signer.fingerprint, str(sheet))
    archive.write_bytes(archive.read_bytes() + b"!")
    with pytest.raises(IntegrityError, match="is not a signature of this file"):
        signature_beside(archive, config, os.environ)
    sheet.unlink()
    sheet.mkdir()
    with pytest.raises(HostError, match="cannot read"):
        signature_beside(archive, config, os.environ)
    sheet.rmdir()
    sheet.write_bytes(signer.sign(b""))
    archive.unlink()
    with pytest.raises(HostError, match="cannot read"):
        signature_beside(archive, config, os.environ)


def test_an_expired_subkey_is_refused_unless_the_settings_look_at_the_time(
    user: User, site: Site, archive: Path, fast_path: Path
) -> None:
    with Keys() as keys:
        old = keys.make("old", expires=EXPIRY, at=THEN)
        signature = old.sign(archive.read_bytes(), "--faked-system-time", NOW)
        (fast_path / "old.asc").write_bytes(old.public())
    site.body(f"/mirror/{archive.name}.asc", signature)
    user.env |= {"GVMPY_TRUST_KEY": str(fast_path / "old.asc"), "GVMPY_TRUST_FINGERPRINT": old.fingerprint}
    result = user.run("install", VERSION, "--verify-signature")
    assert result.returncode == 5
    assert "was made by a key that has expired" in result.stderr
    assert "see `trust.expired`" in result.stderr
    result = user.run("install", VERSION, "--verify-signature", "--json", GVMPY_TRUST_EXPIRED="when-made")
    assert result.returncode == 0, result.stdout
    (installed,) = json.loads(result.stdout)["data"]["versions"]
    assert installed["evidence"]["subkey_expired_at"] == "2020-02-01T00:00:00Z"


def test_interrupted_gpg_leaves_no_home_behind(user: User, archive: Path, fast_path: Path) -> None:
    scratch, programs = fast_path / "tmp", fast_path / "bin"
    scratch.mkdir()
    programs.mkdir()
    slow = programs / "gpg"
    slow.write_text(f"#!/bin/sh\ntouch {scratch}/started\nexec sleep 300\n")
    slow.chmod(0o755)
    path = f"{programs}:{user.env['PATH']}"
    user.env |= {"PATH": path, "TMPDIR": str(scratch)}
    running = user.start("install", VERSION, "--verify-signature")
    while not (scratch / "started").exists():
        assert running.poll() is None, running.communicate()
    running.send_signal(2)
    assert running.wait(timeout=30) == 130
    running.communicate()
    assert [path.name for path in scratch.iterdir()] == ["started"]
    left = subprocess.run([shutil.which("pgrep") or "pgrep", "-f", str(scratch)], check=False)
    assert left.returncode == 1
    assert nothing_installed(user)


def test_a_file_with_its_signature_is_installed(user: User, archive: Path, signer: Signer) -> None:
    sheet = archive.with_name(f"{archive.name}.asc")
    sheet.write_bytes(signer.sign(archive.read_bytes()))
    result = user.run("install", str(archive), GVMPY_OFFLINE="1")
    assert result.returncode == 0, result.stderr
    receipt = json.loads((user.root / "receipts" / f"go{VERSION}.json").read_bytes())
    assert (receipt["trust"], receipt["source"]) == ("signature", "archive")
    assert receipt["evidence"]["fingerprint"] == signer.fingerprint


def test_a_file_without_a_good_signature_is_not(user: User, archive: Path, signer: Signer) -> None:
    sheet = archive.with_name(f"{archive.name}.asc")
    sheet.write_bytes(signer.sign(b"another archive"))
    result = user.run("install", str(archive))
    assert result.returncode == 5
    assert "is not a signature of this file" in result.stderr
    sheet.unlink()
    result = user.run("install", str(archive))
    assert result.returncode == 5
    assert f"put its signature `{sheet.name}` beside it" in result.stderr
    assert nothing_installed(user)


def test_a_digest_is_not_enough_where_a_signature_is_demanded(
    user: User, archive: Path, signer: Signer
) -> None:
    digest = ["--sha256", hashlib.sha256(archive.read_bytes()).hexdigest()]
    refused = user.run("install", str(archive), *digest, "--verify-signature")
    assert refused.returncode == 5
    assert nothing_installed(user)
    archive.with_name(f"{archive.name}.asc").write_bytes(signer.sign(archive.read_bytes()))
    other = user.run("install", str(archive), "--sha256", "0" * 64, "--verify-signature")
    assert other.returncode == 5
    assert "is signed, and is not what --sha256 pins" in other.stderr
    result = user.run("install", str(archive), *digest, "--verify-signature")
    assert result.returncode == 0, result.stderr
    receipt = json.loads((user.root / "receipts" / f"go{VERSION}.json").read_bytes())
    assert receipt["trust"] == "signature"
