"""The contents of a toolchain as a CycloneDX document (ECMA-424), version 1.6, in JSON.

One installation always gives the same bytes: the serial number is derived from what the receipt says, and the
time is that of the installation.
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from gvmpy import __version__
from gvmpy.sbom.contents import VENDORED

if TYPE_CHECKING:
    from gvmpy.sbom.contents import Contents, Module
    from gvmpy.trust.receipt import Receipt

_GO_LICENCE = "BSD-3-Clause"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:gvmpy:sbom")
_LIBRARY = "stdlib"


def render(contents: Contents) -> str:
    """Return the document, indented, without a final newline.

    The toolchain is what the document is about. Below it stand the standard library, under the name by which
    Go's vulnerability database knows it, and the vendored modules; each depends on what it carries.
    """
    toolchain = _toolchain(contents)
    library = _library(contents)
    modules = {module: _module(module) for module in contents.modules}
    bom = Bom(
        components=[library, *modules.values()],
        serial_number=uuid.uuid5(_NAMESPACE, _identity(contents.receipt)),
        metadata=BomMetaData(
            component=toolchain,
            timestamp=datetime.fromisoformat(contents.receipt.installed_at),
            tools=ToolRepository(
                components=[Component(name="gvmpy", version=__version__, type=ComponentType.APPLICATION)]
            ),
        ),
    )
    carried = {
        place: [item for module, item in modules.items() if module.place == place] for place in VENDORED
    }
    bom.register_dependency(library, carried[VENDORED[0]])
    bom.register_dependency(toolchain, [library, *carried[VENDORED[1]]])
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    return json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False)


def _identity(receipt: Receipt) -> str:
    """Return what one installation has and no other: two of the same tree at two times are two."""
    parts = (receipt.version, receipt.platform, receipt.archive_sha256, receipt.tree_h1, receipt.installed_at)
    return "\n".join(parts)


def _toolchain(contents: Contents) -> Component:
    receipt, version = contents.receipt, contents.version
    module_version = f"v0.0.1-{version.name}.{receipt.platform}"
    archive = HashType(alg=HashAlgorithm.SHA_256, content=receipt.archive_sha256)
    return Component(
        name="go",
        version=version.text,
        type=ComponentType.APPLICATION,
        bom_ref=version.name,
        description=f"The Go toolchain {version.name} for {receipt.platform}",
        publisher="The Go Authors",
        hashes=[archive],
        licenses=[DisjunctiveLicense(id=_GO_LICENCE)],
        purl=PackageURL("golang", "golang.org", "toolchain", module_version),
        cpe=f"cpe:2.3:a:golang:go:{version.text}:*:*:*:*:*:*:*",
        external_references=[
            _reference(ExternalReferenceType.WEBSITE, "https://go.dev/"),
            _reference(ExternalReferenceType.SCM, "https://go.googlesource.com/go"),
            _reference(ExternalReferenceType.ISSUE_TRACKER, "https://go.dev/issue"),
            _reference(ExternalReferenceType.LICENSE, "https://go.dev/LICENSE"),
            _reference(ExternalReferenceType.ADVISORIES, "https://pkg.go.dev/vuln/"),
            *([_reference(ExternalReferenceType.DISTRIBUTION, receipt.url, archive)] if receipt.url else []),
        ],
        properties=_properties(receipt),
    )


def _properties(receipt: Receipt) -> list[Property]:
    """Return what gvmpy knows of the installation, and what proved it."""
    told: dict[str, str | int] = {
        "trust": receipt.trust,
        "source": receipt.source,
        "platform": receipt.platform,
        "tree_h1": receipt.tree_h1,
        "file_count": receipt.file_count,
        "installed_at": receipt.installed_at,
        **{f"evidence:{name}": value for name, value in receipt.evidence.items()},
    }
    return [Property(name=f"gvmpy:{name}", value=str(value)) for name, value in told.items()]


def _library(contents: Contents) -> Component:
    return Component(
        name=_LIBRARY,
        version=contents.version.text,
        type=ComponentType.LIBRARY,
        bom_ref=f"{_LIBRARY}@{contents.version.text}",
        description="The Go standard library",
        licenses=[DisjunctiveLicense(id=_GO_LICENCE)],
        purl=PackageURL("golang", None, _LIBRARY, contents.version.text),
    )


def _module(module: Module) -> Component:
    namespace, _, name = module.path.rpartition("/")
    return Component(
        name=module.path,
        version=module.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{module.place}:{module.path}@{module.version}",
        licenses=[DisjunctiveLicense(id=module.licence)] if module.licence else [],
        purl=PackageURL("golang", namespace, name, module.version),
        properties=[Property(name="gvmpy:vendored_in", value=module.place)],
    )


def _reference(kind: ExternalReferenceType, url: str, *hashes: HashType) -> ExternalReference:
    return ExternalReference(type=kind, url=XsUri(url), hashes=hashes)
