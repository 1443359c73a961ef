"""The proof by OpenPGP: the signature beside an archive, fetched before it and checked after it."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.errors import GvmpyError, HostError, NetworkError
from gvmpy.net import redact
from gvmpy.releases.chain import TooLittleProofError
from gvmpy.releases.local import Proof
from gvmpy.trust.openpgp import (
    LARGEST_SIGNATURE,
    find_gpg,
    is_one_armored_signature,
    signing_key,
    verify_detached,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gvmpy.config import Config
    from gvmpy.net import Network
    from gvmpy.releases.local import LocalFile, Prover
    from gvmpy.releases.model import Artifact
    from gvmpy.trust.openpgp import Signed, SigningKey

_LEVEL = "signature"
_PIECE = 1 << 20
_OK, _ABSENT = 200, frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as it was received, and by whom it has to be. Nothing is proven yet."""

    url: str
    data: bytes
    key: SigningKey

    def prove(self, artifact: Artifact, file: Path, environ: Mapping[str, str]) -> Artifact:
        """Return `artifact` with the level `signature` and its evidence, once this signs `file`.

        Raises IntegrityError when it does not.
        """
        what = f"the signature at {redact(self.url)}"
        signed = verify_detached(file, self.data, self.key, environ=environ, what=what)
        found = _evidence(signed) | {"signature": redact(self.url)}
        return replace(artifact, trust="signature", evidence=dict(artifact.evidence) | found)


@dataclass(frozen=True, slots=True)
class SignedFile:
    """A file of the user's own that has a good signature beside it: its SHA-256 in hex, and the evidence."""

    sha256: str
    evidence: Mapping[str, str]


def signature_beside(file: Path, config: Config, environ: Mapping[str, str]) -> SignedFile | None:
    """Return what the signature `FILE.asc` proves of `file`; None when there is none.

    gpg looks at a copy that nobody else can change, and whose SHA-256 is the one returned. Raises
    IntegrityError when it is there and not good, HostError without gpg or when a file cannot be read.
    """
    sheet = file.with_name(f"{file.name}.asc")
    try:
        with sheet.open("rb") as stream:
            data = stream.read(LARGEST_SIGNATURE + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HostError(f"cannot read `{sheet}`: {error.strerror}") from error
    with tempfile.TemporaryDirectory(prefix="gvmpy-gpg-") as place:
        copy = Path(place) / file.name
        sha256 = _copy(file, copy)
        what = f"the signature `{sheet}`"
        signed = verify_detached(copy, data, signing_key(config), environ=environ, what=what)
    return SignedFile(sha256, _evidence(signed) | {"signature": str(sheet)})


def prover(config: Config, environ: Mapping[str, str]) -> Prover:
    """Return what proves a file on this machine by the signature beside it; raises as signature_beside()."""

    def prove(file: LocalFile) -> Proof | None:
        signed = signature_beside(file.path, config, environ)
        return Proof(signed.sha256, _LEVEL, signed.evidence) if signed is not None else None

    return prove


def fetch_signature(
    artifact: Artifact, network: Network, config: Config, environ: Mapping[str, str]
) -> Signature:
    """Return the signature of `artifact` from the first address that has one.

    Something else under that name, a web page perhaps, is taken only where nobody has a signature: it will be
    refused. Whether gpg is there and the key can be named is looked at first: an archive is large. Raises
    TooLittleProofError where nobody has a signature, which passes the turn to the next source, NetworkError
    when one could not be asked, HostError without gpg.
    """
    find_gpg(environ)
    key = signing_key(config)
    failures: list[GvmpyError] = []
    doubtful: list[Signature] = []
    for address in artifact.signatures:
        try:
            answer = network.get(address.url, limit=LARGEST_SIGNATURE)
        except NetworkError as error:
            failures.append(error)
            continue
        if answer.status == _OK:
            found = Signature(address.url, answer.body, key)
            if is_one_armored_signature(answer.body):
                return found
            doubtful.append(found)
        elif answer.status not in _ABSENT:
            failures.append(NetworkError(f"{redact(address.url)} answered {answer.status}"))
    if doubtful:
        return doubtful[0]
    if failures:
        raise NetworkError("; ".join(failure.message for failure in failures))
    places = "; ".join(f"{redact(address.url)} answered 404" for address in artifact.signatures)
    raise TooLittleProofError(
        f"has no signature of {artifact.version.name} ({places})",
        hint="only the Go project's own archives are signed; see `trust.minimum`",
    )


def _evidence(signed: Signed) -> dict[str, str]:
    found = {"fingerprint": signed.primary, "subkey": signed.subkey, "signed_at": signed.made_at}
    return found | ({"subkey_expired_at": signed.expired_at} if signed.expired_at else {})


def _copy(file: Path, copy: Path) -> str:
    """Copy `file`, and return the SHA-256 of what was written in hex."""
    digest = hashlib.sha256()
    try:
        with file.open("rb") as source, copy.open("xb") as target:
            while piece := source.read(_PIECE):
                digest.update(piece)
                target.write(piece)
    except OSError as error:
        what = f"read `{file}`" if error.filename == str(file) else f"copy `{file}` to `{copy}`"
        raise HostError(f"cannot {what}: {error.strerror}") from error
    return digest.hexdigest()
