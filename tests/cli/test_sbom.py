from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from gvmpy.sbom.contents import licence_of
from tests.cli.conftest import NEW, OLD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User


def document(person: User, version: str, **env: str) -> tuple[str, Any]:
    result = person.run("sbom", version, **env)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout, json.loads(result.stdout)


def properties(component: Any) -> dict[str, str]:
    return {item["name"]: item["value"] for item in component["properties"]}


@pytest.mark.parametrize("version", [OLD, NEW])
def test_the_document_keeps_to_the_schema(person: User, version: str) -> None:
    text, parsed = document(person, version)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    parsed["components"][0]["colour"] = "red"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(parsed)) is not None


def test_it_says_what_the_toolchain_is_and_what_proved_it(person: User) -> None:
    _, parsed = document(person, NEW)
    receipt = json.loads((person.root / "receipts" / f"go{NEW}.json").read_bytes())
    toolchain = parsed["metadata"]["component"]
    assert (toolchain["name"], toolchain["version"]) == ("go", NEW)
    assert toolchain["purl"] == f"pkg:golang/golang.org/toolchain@v0.0.1-go{NEW}.{receipt['platform']}"
    assert toolchain["hashes"] == [{"alg": "SHA-256", "content": receipt["archive_sha256"]}]
    (origin,) = [one for one in toolchain["externalReferences"] if one["type"] == "distribution"]
    assert (origin["url"], origin["hashes"]) == (receipt["url"], toolchain["hashes"])
    told = properties(toolchain)
    assert (told["gvmpy:trust"], told["gvmpy:tree_h1"]) == ("origin-sha256", receipt["tree_h1"])
    assert told["gvmpy:evidence:index"] == receipt["evidence"]["index"]
    assert parsed["metadata"]["timestamp"] == receipt["installed_at"].replace("Z", "+00:00")


@pytest.mark.parametrize("version", [OLD, NEW])
def test_it_names_every_module_that_go_itself_knows(person: User, version: str) -> None:
    """The oracle is the toolchain's own `go`, which reads the go.mod of its two source trees."""
    _, parsed = document(person, version)
    goroot = person.root / "versions" / f"go{version}"
    for module, place in (("src", "src/vendor"), ("src/cmd", "src/cmd/vendor")):
        told = subprocess.run(
            [goroot / "bin" / "go", "mod", "edit", "-json", goroot / module / "go.mod"],
            env={"GOTOOLCHAIN": "local", "GOENV": "off", "HOME": "/nonexistent", "GOFLAGS": "-mod=mod"},
            capture_output=True,
            check=True,
        )
        known = {(item["Path"], item["Version"]) for item in json.loads(told.stdout)["Require"]}
        ours = {
            (item["name"], item["version"])
            for item in parsed["components"]
            if item.get("properties") and properties(item)["gvmpy:vendored_in"] == place
        }
        assert ours == known


def test_every_module_has_its_licence_and_a_package_url(person: User) -> None:
    _, parsed = document(person, NEW)
    for component in parsed["components"]:
        licence = component["licenses"][0]["license"]["id"]
        assert licence == ("Apache-2.0" if component["name"].endswith("/pprof") else "BSD-3-Clause")
        assert component["purl"] == f"pkg:golang/{component['name']}@{component['version']}"
    assert f"pkg:golang/stdlib@{NEW}" in [component["purl"] for component in parsed["components"]]


def test_each_depends_on_what_it_carries(person: User) -> None:
    _, parsed = document(person, NEW)
    needs = {item["ref"]: set(item.get("dependsOn", [])) for item in parsed["dependencies"]}
    library = f"stdlib@{NEW}"
    assert library in needs[f"go{NEW}"]
    assert all(ref.startswith("src/vendor:") for ref in needs[library])
    assert {item["bom-ref"] for item in parsed["components"]} == needs[library] | needs[f"go{NEW}"]


def test_one_installation_gives_one_document(person: User) -> None:
    first, parsed = document(person, NEW, TZ="UTC", PYTHONHASHSEED="1")
    second, _ = document(person, NEW, TZ="Asia/Tokyo", PYTHONHASHSEED="2", LC_ALL="C")
    assert first == second
    assert document(person, OLD)[1]["serialNumber"] != parsed["serialNumber"]


def test_json_has_the_document_in_its_envelope(person: User) -> None:
    result = person.run("sbom", NEW, "--json")
    answer = json.loads(result.stdout)
    assert (answer["command"], answer["status"]) == ("sbom", "ok")
    assert answer["data"] == document(person, NEW)[1]


def test_it_goes_to_a_file(person: User, tmp_path: Path) -> None:
    place = tmp_path / "go.cdx.json"
    result = person.run("sbom", NEW, "--output", str(place))
    assert (result.returncode, result.stdout) == (0, "")
    assert f"wrote `{place}`" in result.stderr
    assert place.read_text() == document(person, NEW)[0]
    assert place.stat().st_mode & 0o777 == 0o644
    told = json.loads(person.run("sbom", NEW, "-o", str(place), "--json").stdout)["data"]
    assert told == {"version": NEW, "file": str(place)}
    assert os.listdir(tmp_path) == [place.name]


def test_a_file_that_cannot_be_written_is_told(person: User, tmp_path: Path) -> None:
    result = person.run("sbom", NEW, "--output", str(tmp_path / "none" / "file"))
    assert result.returncode == 6
    assert "cannot write" in result.stderr


@pytest.mark.parametrize("name", ["src/vendor/modules.txt", "src/cmd/vendor/golang.org/x/mod/LICENSE"])
def test_a_file_that_was_changed_is_not_described(owner: User, name: str) -> None:
    path = owner.root / "versions" / f"go{OLD}" / name
    text = path.read_text()
    path.unlink()
    path.write_text(f"{text}# example.com/evil v1.0.0\n")
    result = owner.run("sbom", OLD)
    assert (result.returncode, result.stdout) == (5, "")
    assert "is not as it was installed" in result.stderr
    assert f"hint: gvmpy verify {OLD}" in result.stderr


def test_what_is_not_installed_has_none(person: User) -> None:
    assert person.run("sbom", "1.19.1").returncode == 3


def test_without_the_library_it_is_said_what_to_install(person: User) -> None:
    script = "import sys; sys.modules['cyclonedx'] = None; from gvmpy.entry import main; sys.exit(main())"
    result = subprocess.run(
        [sys.executable, "-c", script, "sbom", NEW],
        env=person.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 6
    assert "needs the package `cyclonedx-python-lib`" in result.stderr
    assert f"hint: {sys.executable} -m pip install" in result.stderr


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("Apache License\n   Version 2.0, January 2004\n", "Apache-2.0"),
        ("Permission is hereby granted, free of charge, to any\nperson obtaining a copy of", "MIT"),
        ("Redistribution and use in source and binary forms, with", "BSD-2-Clause"),
        ("All rights reserved.", ""),
    ],
)
def test_licences_are_known_by_their_words(text: str, licence: str) -> None:
    assert licence_of(text) == licence
