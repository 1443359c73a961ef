"""The proof by OpenPGP: the signature beside an archive, fetched before it and checked after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gvmpy.errors import GvmpyError, NetworkError
from gvmpy.net import redact
from gvmpy.releases.chain import TooLittleProofError
from gvmpy.trust.openpgp import (
    LARGEST_SIGNATURE,
    find_gpg,
    is_one_armored_signature,
    signing_key,
    verify_detached,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gvmpy.config import Config
    from gvmpy.net import Network
    from gvmpy.releases.model import Artifact
    from gvmpy.trust.openpgp import SigningKey

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
        found = {
            "fingerprint": signed.primary,
            "subkey": signed.subkey,
            "signed_at": signed.made_at,
            "signature": redact(self.url),
        }
        if signed.expired_at:
            found["subkey_expired_at"] = signed.expired_at
        return replace(artifact, trust="signature", evidence=dict(artifact.evidence) | found)


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
