"""OpenPGP signatures of release archives, checked by gpg in a home directory that lives for one check.

The Go project puts a detached signature beside each `.tar.gz`, made by a signing subkey of Google's Linux
package signing key. Subkeys change every year or two, so what is pinned is the fingerprint of the primary
key, which is the last field of gpg's VALIDSIG (gnupg doc/DETAILS).

gpg's exit code tells little and its messages are for people, so only `--status-fd` counts, and a line that is
not expected counts against the signature. Nothing here asks a keyserver: the key comes from a file.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from gvmpy.errors import HostError, IntegrityError, UsageError
from gvmpy.files import remove_tree
from gvmpy.process import run_bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gvmpy.config import Config
    from gvmpy.process import Finished

LARGEST_SIGNATURE = 1 << 14
"""Bytes; the Go project's have 833."""

_LARGEST_KEY = 1 << 20
_LARGEST_ANSWER = 1 << 18
_SECONDS = 120.0
_KEY_FILE = Path(__file__).with_name("keys") / "google-linux.asc"
_BEGIN, _END = b"-----BEGIN PGP SIGNATURE-----", b"-----END PGP SIGNATURE-----"
_STATUS = "[GNUPG:] "
_OPTIONS = (
    "--batch",
    "--no-tty",
    "--no-options",
    "--no-autostart",
    "--no-auto-key-retrieve",
    "--no-auto-key-locate",
    "--no-auto-check-trustdb",
    "--trust-model=always",
    "--display-charset=utf-8",
    "--status-fd=1",
)
_FINGERPRINT = re.compile(r"[0-9A-F]{40}")
_VALID = re.compile(
    r"(?P<subkey>[0-9A-F]{40}) \S+ (?P<made>[0-9]{1,10}) (?P<expires>[0-9]{1,10}) 4 \S+ \S+ "
    r"(?P<digest>[0-9]{1,3}) (?P<kind>[0-9A-F]{2}) (?P<primary>[0-9A-F]{40})"
)
_STRONG_DIGESTS = frozenset({"8", "9", "10", "11"})  # SHA-2, RFC 4880 section 9.4
_BINARY_DOCUMENT = "00"  # RFC 4880 section 5.2.1

# What gpg may say besides: notes about keys and trust that change nothing for a pinned primary key. An old
# subkey of a long-lived key makes it say KEYEXPIRED whichever subkey has signed.
_NEUTRAL = frozenset(
    {"NEWSIG", "KEY_CONSIDERED", "SIG_ID", "KEYEXPIRED", "SIGEXPIRED", "PROGRESS"}
    | {"TRUST_UNDEFINED", "TRUST_NEVER", "TRUST_MARGINAL", "TRUST_FULLY", "TRUST_ULTIMATE"}
    | {"NOTATION_NAME", "NOTATION_FLAGS", "NOTATION_DATA", "POLICY_URL"}
    | {"VERIFICATION_COMPLIANCE_MODE", "GOODSIG", "VALIDSIG"}
)
_REASONS = {
    "BADSIG": "is not a signature of this file",
    "EXPSIG": "has expired",
    "EXPKEYSIG": "was made by a key that has expired",
    "REVKEYSIG": "was made by a key that was revoked",
    "NO_PUBKEY": "was made by a key that is not the one asked for",
    "ERRSIG": "cannot be checked",
    "NODATA": "is no signature",
    "UNEXPECTED": "is no detached signature",
    "BADARMOR": "is damaged",
}
"""What each word against a signature means; of several, the one that stands first here is told."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A good signature: fingerprints of the primary key and of the key that signed, in upper-case hex, and
    when the signer says it was made: UTC, RFC 3339. `expired_at` is when the key expired that signed before.
    """

    primary: str
    subkey: str
    made_at: str
    expired_at: str = ""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Whose signatures count: a file with the public key, and the fingerprint its primary key must have.

    `accepts_expired`: whether a key that has expired since counts for what it signed before.
    """

    path: Path
    fingerprint: str
    accepts_expired: bool = False


def signing_key(config: Config) -> SigningKey:
    """Return the key of `trust.key` and `trust.fingerprint`; without a file, the one gvmpy ships.

    Raises UsageError for a fingerprint that is none: key ids are too short to pin anything.
    """
    fingerprint = config.trust_fingerprint.replace(" ", "").upper().removeprefix("0X")
    if not _FINGERPRINT.fullmatch(fingerprint):
        raise UsageError(
            f"`trust.fingerprint` is not a fingerprint: {config.trust_fingerprint[:60]!r}",
            hint="give the 40 hexadecimal digits of the primary key; blanks may stand between them",
        )
    path = Path(os.path.expanduser(config.trust_key)) if config.trust_key else _KEY_FILE
    return SigningKey(path, fingerprint, accepts_expired=config.trust_expired == "when-made")


def find_gpg(environ: Mapping[str, str]) -> str:
    """Return the path of gpg. Raises HostError when there is none."""
    found = shutil.which("gpg", path=environ.get("PATH", os.defpath))
    if found is None:
        raise HostError(
            "checking a signature takes `gpg`, which is not on PATH",
            hint="install GnuPG (`apt install gnupg`, `dnf install gnupg2`), or prove without a signature",
        )
    return os.path.abspath(found)


def verify_detached(
    file: Path, signature: bytes, key: SigningKey, *, environ: Mapping[str, str], what: str
) -> Signed:
    """Check that `signature` is one good, detached signature of `file` by a subkey of `key`.

    `what` names the signature in messages. Raises IntegrityError when it is anything else, UsageError when
    the key cannot be read, HostError without a working gpg.
    """
    if not is_one_armored_signature(signature):
        raise IntegrityError(f"{what} is no detached OpenPGP signature")
    gpg = find_gpg(environ)
    with _Keyring(gpg, environ) as keyring:
        keyring.add(key)
        sheet = keyring.home / "signature.asc"
        sheet.write_bytes(signature)
        finished = keyring.run("--verify", "--", str(sheet), str(file.absolute()))
        return _judge(finished, key, what, keyring.expiry if key.accepts_expired else None)


def is_one_armored_signature(data: bytes) -> bool:
    """Whether `data` is one armored signature and nothing else: no signed text, no second block."""
    text = data.strip()
    return (
        len(data) <= LARGEST_SIGNATURE
        and text.startswith(_BEGIN)
        and text.endswith(_END)
        and text.count(b"-----") == 4  # noqa: PLR2004 - two at each end of the block
    )


class _Keyring:
    """A GNUPGHOME of its own, for its owner alone, gone with whatever gpg started when the block is left."""

    def __init__(self, gpg: str, environ: Mapping[str, str]) -> None:
        self._gpg = gpg
        kept = {name: environ[name] for name in ("PATH", "TMPDIR") if name in environ}
        self._environ = kept | {"LC_ALL": "C", "TZ": "UTC"}

    def __enter__(self) -> Self:
        # mkdtemp makes it 0700, whatever the umask is.
        self.home = Path(tempfile.mkdtemp(prefix="gvmpy-gpg-", dir=self._environ.get("TMPDIR")))
        self._environ["GNUPGHOME"] = self._environ["HOME"] = str(self.home)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._end_agents()
        finally:
            remove_tree(self.home)

    def add(self, key: SigningKey) -> None:
        """Take the key in. Raises UsageError when the file is not readable or holds another one."""
        try:
            with key.path.open("rb") as stream:
                data = stream.read(_LARGEST_KEY + 1)
        except OSError as error:
            raise UsageError(f"cannot read the key `{key.path}`: {error.strerror}") from error
        if len(data) > _LARGEST_KEY:
            raise UsageError(f"`{key.path}` is too large to be a key")
        kept = self.home / "key"
        kept.write_bytes(data)
        finished = self.run("--import", "--", str(kept))
        taken = {words[2] for words in _status(finished) if words[0] == "IMPORT_OK" and words[2:]}
        if key.fingerprint not in taken:
            raise UsageError(
                f"`{key.path}` does not hold the public key {key.fingerprint}",
                hint="set `trust.key` to a file with that key, or `trust.fingerprint` to the one you trust",
            )

    def expiry(self, primary: str, subkey: str) -> int | None:
        """Return when the first of the two keys expires or has expired, in seconds since 1970; None: never.

        The form is that of gnupg doc/DETAILS, `--with-colons`.
        """
        ends, end = [], ""
        listed = self.run("--with-colons", "--list-keys", primary).stdout.decode("utf-8", errors="replace")
        for line in listed.split("\n"):
            fields = line.split(":")
            if fields[0] in {"pub", "sub"}:
                end = fields[6]
            elif fields[0] == "fpr" and fields[9] in {primary, subkey} and end:
                ends.append(int(end))
        return min(ends, default=None)

    def run(self, *arguments: str) -> Finished:
        """Run gpg here, within bounds."""
        return run_bounded(
            [self._gpg, "--homedir", str(self.home), *_OPTIONS, *arguments],
            environ=self._environ,
            seconds=_SECONDS,
            most_output=_LARGEST_ANSWER,
        )

    def _end_agents(self) -> None:
        """Ask whatever serves this home to end: gpg was told to start nothing, but versions differ."""
        gpgconf = shutil.which("gpgconf", path=self._environ.get("PATH", os.defpath))
        if gpgconf and any(name.startswith("S.") for name in os.listdir(self.home)):
            run_bounded(
                [gpgconf, "--homedir", str(self.home), "--kill", "all"],
                environ=self._environ,
                seconds=_SECONDS,
                most_output=_LARGEST_ANSWER,
            )


def _judge(
    finished: Finished, key: SigningKey, what: str, expiry: Callable[[str, str], int | None] | None
) -> Signed:
    """Accept exactly one good and valid signature by the pinned key, and no word against it.

    With `expiry`, which finds out when a key expires, one that has expired may be the one that signed before.
    """
    lines = _status(finished)
    is_late = expiry is not None and any(words[0] == "EXPKEYSIG" for words in lines)
    said = ["GOODSIG" if is_late and words[0] == "EXPKEYSIG" else words[0] for words in lines]
    for keyword, reason in _REASONS.items():
        if keyword in said:
            raise _refused(what, reason, lines, key)
    strange = next((word for word in said if word not in _NEUTRAL), None)
    if strange is not None or finished.overlong:
        raise _refused(what, "cannot be checked", lines, key)
    if [said.count(word) for word in ("NEWSIG", "GOODSIG", "VALIDSIG")] != [1, 1, 1]:
        raise _refused(what, "is not one good signature", lines, key)
    valid = _VALID.fullmatch(" ".join(lines[said.index("VALIDSIG")][1:]))
    if valid is None or valid["kind"] != _BINARY_DOCUMENT or valid["digest"] not in _STRONG_DIGESTS:
        raise _refused(what, "is of a kind or has a digest that does not count", lines, key)
    if valid["primary"] != key.fingerprint:
        raise _refused(what, "was made by a key that is not the one asked for", lines, key)
    if finished.status != 0:
        raise _refused(what, "cannot be checked", lines, key)
    end = expiry(valid["primary"], valid["subkey"]) if is_late and expiry is not None else None
    if is_late and (end is None or int(valid["made"]) >= end):
        raise _refused(what, _REASONS["EXPKEYSIG"], lines, key)
    return Signed(valid["primary"], valid["subkey"], _time(int(valid["made"])), _time(end) if end else "")


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _status(finished: Finished) -> list[list[str]]:
    """Return gpg's status lines as words, the keyword first. Other lines are talk, and not looked at."""
    text = finished.stdout.decode("utf-8", errors="replace")
    lines = [line.removeprefix(_STATUS).split(" ") for line in text.split("\n") if line.startswith(_STATUS)]
    return [words for words in lines if words[0]]


def _refused(what: str, reason: str, lines: list[list[str]], key: SigningKey) -> IntegrityError:
    signers = {words[1][:40] for words in lines if words[0] in {"ERRSIG", *_REASONS} and words[1:]}
    named = sorted(signer for signer in signers if re.fullmatch(r"[0-9A-F]{16,40}", signer))
    return IntegrityError(
        f"{what} {reason}",
        details=(f"wanted: a signature by {key.fingerprint}", *(f"made by: {signer}" for signer in named)),
        hint=_hint(lines),
    )


def _hint(lines: list[list[str]]) -> str | None:
    """Say what helps where it is the key file that is too old, or the signature."""
    said = {words[0] for words in lines}
    if "NO_PUBKEY" in said:
        return "if the signer has a newer subkey, save the new key to a file and name it in `trust.key`"
    if "EXPKEYSIG" in said:
        return "GVMPY_SOURCES=goproxy proves old releases by the checksum database; or see `trust.expired`"
    return None
