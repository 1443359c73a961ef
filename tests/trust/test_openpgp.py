"""Detached signatures, made and checked by the real gpg."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gvmpy.config import Config
from gvmpy.errors import HostError, IntegrityError, UsageError
from gvmpy.trust.openpgp import Signed, SigningKey, signing_key, verify_detached
from tests.support.signing import EXPIRY, NOW, THEN, Keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.signing import Signer

DATA = b"\x1f\x8b the archive"


@pytest.fixture(scope="module")
def keys() -> Iterator[Keys]:
    with Keys() as made:
        yield made


@pytest.fixture(scope="module")
def signer(keys: Keys) -> Signer:
    return keys.make("signer")


@pytest.fixture(scope="module")
def stranger(keys: Keys) -> Signer:
    return keys.make("stranger")


@dataclass
class Check:
    """A place with an archive and a temporary directory of its own, which must be empty after each check."""

    place: Path

    def __call__(
        self,
        signature: bytes,
        by: Signer,
        *,
        data: bytes = DATA,
        public: bytes = b"",
        accepts_expired: bool = False,
    ) -> Signed:
        file, key, scratch = self.place / "go.tar.gz", self.place / "key.asc", self.place / "tmp"
        file.write_bytes(data)
        key.write_bytes(public or by.public())
        scratch.mkdir(exist_ok=True)
        environ = {"PATH": os.environ["PATH"], "TMPDIR": str(scratch), "GNUPGHOME": "/nonexistent"}
        try:
            pinned = SigningKey(key, by.fingerprint, accepts_expired=accepts_expired)
            return verify_detached(file, signature, pinned, environ=environ, what="the signature")
        finally:
            assert list(scratch.iterdir()) == []


@pytest.fixture
def check(tmp_path: Path) -> Check:
    return Check(tmp_path)


def refused(reason: str) -> pytest.RaisesExc[IntegrityError]:
    return pytest.RaisesExc(IntegrityError, match=f"^the signature {re.escape(reason)}")


def test_a_good_signature_names_both_keys_and_its_time(check: Check, signer: Signer) -> None:
    signed = check(signer.sign(DATA), signer)
    assert (signed.primary, signed.subkey) == (signer.fingerprint, signer.subkey)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", signed.made_at)


def test_a_changed_archive_is_refused(check: Check, signer: Signer) -> None:
    with refused("is not a signature of this file"):
        check(signer.sign(DATA), signer, data=DATA + b"!")


def test_a_signature_of_another_file_is_refused(check: Check, signer: Signer) -> None:
    with refused("is not a signature of this file"):
        check(signer.sign(b"another"), signer)


def test_a_changed_signature_is_refused(check: Check, signer: Signer) -> None:
    armored = signer.sign(DATA)
    lines = armored.splitlines()
    body = [index for index, line in enumerate(lines) if line and not line.startswith((b"-", b"="))]
    refusals = tried = 0
    for index in body:
        for position in range(0, len(lines[index]), 7):
            changed = bytearray(lines[index])
            changed[position] = ord("B") if changed[position] != ord("B") else ord("C")
            new = [*lines[:index], bytes(changed), *lines[index + 1 :]]
            # Without its checksum the armor itself does not notice.
            sheet = b"\n".join(line for line in new if not line.startswith(b"="))
            tried += 1
            try:
                check(sheet, signer)
            except IntegrityError:
                refusals += 1
    # The rest are bits that nobody signed and that change nothing: the unhashed part, and padding.
    assert refusals > tried * 3 // 4


def test_somebody_elses_signature_is_refused(check: Check, signer: Signer, stranger: Signer) -> None:
    with refused("was made by a key that is not the one asked for") as caught:
        check(stranger.sign(DATA), signer)
    assert f"wanted: a signature by {signer.fingerprint}" in caught.value.details
    assert "trust.key" in (caught.value.hint or "")


def test_a_stranger_in_the_key_file_does_not_count(check: Check, signer: Signer, stranger: Signer) -> None:
    both = signer.public() + stranger.public()
    with refused("was made by a key that is not the one asked for"):
        check(stranger.sign(DATA), signer, public=both)
    assert check(signer.sign(DATA), signer, public=both).primary == signer.fingerprint


def test_a_subkey_cannot_be_pinned(check: Check, signer: Signer) -> None:
    pinned = type(signer)(signer.home, signer.subkey, signer.subkey)
    with pytest.raises(UsageError, match="does not hold the public key"):
        check(signer.sign(DATA), pinned, public=signer.public())


def test_an_expired_subkey_is_refused(check: Check, keys: Keys) -> None:
    old = keys.make("old", expires=EXPIRY, at=THEN)
    with refused("was made by a key that has expired"):
        check(old.sign(DATA, "--faked-system-time", NOW), old)


def test_an_expired_subkey_counts_for_what_it_signed_before_where_that_is_asked_for(
    check: Check, keys: Keys, stranger: Signer
) -> None:
    old = keys.make("once", expires=EXPIRY, at=THEN)
    before = old.sign(DATA, "--faked-system-time", NOW)
    signed = check(before, old, accepts_expired=True)
    assert (signed.made_at, signed.expired_at) == ("2020-01-10T00:00:00Z", "2020-02-01T00:00:00Z")
    with refused("is not a signature of this file"):
        check(before, old, data=b"other", accepts_expired=True)
    with refused("was made by a key that is not the one asked for"):
        check(before, stranger, public=stranger.public() + old.public(), accepts_expired=True)
    # Its life cut short afterwards: what was signed in between was signed by an expired key.
    late = keys.make("late", at=THEN)
    after = late.sign(DATA, "--faked-system-time", "20200301T000000!")
    late.gpg("--faked-system-time", NOW, "--quick-set-expire", late.fingerprint, EXPIRY, late.subkey)
    with refused("was made by a key that has expired"):
        check(after, late, accepts_expired=True)


def test_an_expired_subkey_beside_the_one_that_signed_does_not_matter(check: Check, keys: Keys) -> None:
    old = keys.make("older", expires=EXPIRY, at=THEN)
    old.gpg("--quick-add-key", old.fingerprint, "ed25519", "sign", "never")
    listed = old.gpg("--with-colons", "--list-keys").decode().splitlines()
    new = [line.split(":")[9] for line in listed if line.startswith("fpr:")][-1]
    assert check(old.sign(DATA, by=new), old).subkey == new


def test_an_expired_signature_is_refused(check: Check, keys: Keys) -> None:
    early = keys.make("early", at=THEN)
    brief = early.sign(DATA, "--faked-system-time", NOW, "--default-sig-expire", "1")
    with refused("has expired"):
        check(brief, early)


def test_a_revoked_primary_key_is_refused(check: Check, keys: Keys) -> None:
    gone = keys.make("gone")
    signature = gone.sign(DATA)
    certificate = (gone.home / "openpgp-revocs.d" / f"{gone.fingerprint}.rev").read_text()
    gone.gpg("--import", text=certificate.replace(":-----BEGIN", "-----BEGIN").encode())
    with refused("was made by a key that was revoked"):
        check(signature, gone)


def test_a_revoked_subkey_is_refused(check: Check, keys: Keys) -> None:
    partly = keys.make("partly")
    signature = partly.sign(DATA)
    talk = b"key 1\nrevkey\ny\n0\n\ny\nsave\n"
    partly.gpg("--command-fd", "0", "--edit-key", partly.fingerprint, text=talk)
    with refused("was made by a key that was revoked"):
        check(signature, partly)


def test_two_signatures_are_refused(check: Check, signer: Signer, stranger: Signer) -> None:
    twice = signer.gpg("--armor", "--local-user", signer.subkey, "--detach-sign", text=DATA)
    with refused("is no detached OpenPGP signature"):
        check(twice + stranger.sign(DATA), signer)
    # Two packets in one armor, the good one among them.
    both = [one.gpg("--dearmor", text=one.sign(DATA)) for one in (signer, stranger)]
    for packets in (both[0] + both[1], both[1] + both[0], both[0] + both[0]):
        armored = signer.gpg("--enarmor", text=packets).replace(b"PGP ARMORED FILE", b"PGP SIGNATURE")
        with pytest.raises(IntegrityError):
            check(armored, signer, public=signer.public() + stranger.public())


def test_a_signed_message_is_no_detached_signature(check: Check, signer: Signer) -> None:
    for how in ("--clear-sign", "--sign", "--store"):
        sheet = signer.gpg("--armor", "--local-user", signer.subkey, how, text=DATA)
        with refused("is no detached OpenPGP signature"):
            check(sheet, signer)
        dressed = re.sub(rb"PGP (SIGNED )?MESSAGE", b"PGP SIGNATURE", sheet)
        with pytest.raises(IntegrityError):
            check(dressed, signer)


@pytest.mark.parametrize(
    "sheet",
    [b"", b"<html>", b"-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----\n", bytes(1 << 15)],
)
def test_what_is_no_signature_is_refused(check: Check, signer: Signer, sheet: bytes) -> None:
    with pytest.raises(IntegrityError):
        check(sheet, signer)


def test_a_weak_digest_does_not_count(check: Check, keys: Keys) -> None:
    weak = keys.make("weak")
    weak.gpg("--quick-add-key", weak.fingerprint, "rsa2048", "sign", "never")
    listed = weak.gpg("--with-colons", "--list-keys").decode().splitlines()
    rsa = [line.split(":")[9] for line in listed if line.startswith("fpr:")][-1]
    assert check(weak.sign(DATA, by=rsa), weak).subkey == rsa
    with refused("is of a kind or has a digest that does not count"):
        check(weak.sign(DATA, "--digest-algo", "SHA1", by=rsa), weak)


def test_a_text_signature_does_not_count(check: Check, signer: Signer) -> None:
    with refused("is of a kind or has a digest that does not count"):
        check(signer.sign(DATA, "--textmode"), signer)


def test_gpg_absent_is_said_with_what_to_do(signer: Signer, tmp_path: Path) -> None:
    key = SigningKey(tmp_path / "key", signer.fingerprint)
    with pytest.raises(HostError, match="takes `gpg`, which is not on PATH") as caught:
        verify_detached(tmp_path, signer.sign(DATA), key, environ={"PATH": str(tmp_path)}, what="it")
    assert "apt install gnupg" in (caught.value.hint or "")


def test_a_gpg_that_says_yes_to_everything_but_not_how_is_not_believed(
    tmp_path: Path, signer: Signer
) -> None:
    """What gpg says is not trusted beyond their grammar: exit code 0 and a GOODSIG alone are not enough."""
    fake = tmp_path / "bin" / "gpg"
    fake.parent.mkdir()
    (tmp_path / "key").write_bytes(signer.public())
    good, valid = "NEWSIG\n[GNUPG:] GOODSIG A x", f"VALIDSIG {signer.subkey} d 1 0 4 0 1 8 00"
    answers = [
        "GOODSIG A x",
        good,
        f"{good}\n[GNUPG:] {valid}",
        f"{good}\n[GNUPG:] {valid} {signer.fingerprint}\n[GNUPG:] SURPRISE",
    ]
    for answer in answers:
        lines = f"[GNUPG:] IMPORT_OK 1 {signer.fingerprint}\n[GNUPG:] {answer}\n"
        fake.write_text(f"#!/bin/sh\ncat <<'E'\n{lines}E\n")
        fake.chmod(0o755)
        key = SigningKey(tmp_path / "key", signer.fingerprint)
        with pytest.raises(IntegrityError):
            verify_detached(
                tmp_path / "key",
                signer.sign(DATA),
                key,
                environ={"PATH": f"{fake.parent}:/usr/bin:/bin", "TMPDIR": str(tmp_path)},
                what="it",
            )


def test_the_home_of_gpg_is_private_and_asks_no_keyserver(tmp_path: Path, signer: Signer) -> None:
    log = tmp_path / "log"
    fake = tmp_path / "bin" / "gpg"
    fake.parent.mkdir()
    fake.write_text(
        f'#!/bin/sh\nstat -c %a "$GNUPGHOME" >>{log}\necho "$@" >>{log}\nexec /usr/bin/gpg "$@"\n'
    )
    fake.chmod(0o755)
    (tmp_path / "key").write_bytes(signer.public())
    (tmp_path / "file").write_bytes(DATA)
    environ = {"PATH": f"{fake.parent}:/usr/bin:/bin", "TMPDIR": str(tmp_path), "HOME": "/nonexistent"}
    key = SigningKey(tmp_path / "key", signer.fingerprint)
    before = os.umask(0)
    try:
        verify_detached(tmp_path / "file", signer.sign(DATA), key, environ=environ, what="it")
    finally:
        os.umask(before)
    modes, calls = log.read_text().splitlines()[::2], log.read_text().splitlines()[1::2]
    assert set(modes) == {"700"}
    for call in calls:
        for option in ("--no-options", "--batch", "--no-auto-key-retrieve", "--no-auto-key-locate"):
            assert option in call
    agents = subprocess.run(["pgrep", "-f", f"{tmp_path}/gvmpy-gpg-"], capture_output=True, check=False)
    assert agents.stdout == b""


def test_the_key_that_is_shipped_is_the_pinned_one(tmp_path: Path) -> None:
    key = signing_key(Config())
    environ = {"PATH": os.environ["PATH"], "GNUPGHOME": str(tmp_path)}
    tmp_path.chmod(0o700)
    shown = subprocess.run(
        ["gpg", "--batch", "--no-autostart", "--with-colons", "--show-keys", str(key.path)],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    kinds = [line.split(":")[0] for line in shown.stdout.splitlines()]
    prints = [line.split(":")[9] for line in shown.stdout.splitlines() if line.startswith("fpr:")]
    assert prints[0] == key.fingerprint == "EB4C1BFD4F042F6DDDCCEC917721F63BD38B4796"
    assert kinds.count("pub") == 1
    assert "sec" not in kinds


def test_the_key_that_is_shipped_can_be_used(tmp_path: Path, signer: Signer) -> None:
    (tmp_path / "file").write_bytes(DATA)
    environ = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    key, what = signing_key(Config()), "the signature"
    with refused("was made by a key that is not the one asked for") as caught:
        verify_detached(tmp_path / "file", signer.sign(DATA), key, environ=environ, what=what)
    assert f"made by: {signer.subkey[-16:]}" in caught.value.details


@pytest.mark.parametrize(
    "text",
    ["EB4C 1BFD 4F04 2F6D DDCC  EC91 7721 F63B D38B 4796", "0xeb4c1bfd4f042f6dddccec917721f63bd38b4796"],
)
def test_a_fingerprint_may_be_written_as_people_do(text: str) -> None:
    found = signing_key(Config(trust_fingerprint=text, trust_key="~/key.asc"))
    assert found.fingerprint == "EB4C1BFD4F042F6DDDCCEC917721F63BD38B4796"
    assert found.path == Path.home() / "key.asc"


@pytest.mark.parametrize(
    "text", ["", "7721F63BD38B4796", "EB4C", "x" * 40, "EB4C1BFD4F042F6DDDCCEC917721F63BD38B47961"]
)
def test_a_key_id_is_no_fingerprint(text: str) -> None:
    with pytest.raises(UsageError, match="is not a fingerprint"):
        signing_key(Config(trust_fingerprint=text))


def test_a_key_file_that_cannot_be_read_is_told(tmp_path: Path, signer: Signer) -> None:
    environ = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UsageError, match="cannot read the key"):
            verify_detached(
                tmp_path, signer.sign(DATA), SigningKey(path, signer.fingerprint), environ=environ, what="it"
            )
