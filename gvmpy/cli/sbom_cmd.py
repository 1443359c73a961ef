from __future__ import annotations

import sys
from pathlib import Path

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import here
from gvmpy.ui.result import Result


@click.command("sbom", short_help="Say what an installed version consists of, in CycloneDX.")
@click.argument("request", metavar="VERSION")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the document there, not to standard output.",
)
@json_option
def command(request: str, output: Path | None, as_json: bool) -> Result:
    """Write a bill of materials of an installed version as a CycloneDX document.

    It names the toolchain, the standard library and every module they carry, with versions and licences, and
    what proved the installation. One installation always gives the same document.
    """
    del as_json
    import json

    from gvmpy.errors import HostError
    from gvmpy.files import write_atomic
    from gvmpy.sbom.contents import contents_of
    from gvmpy.selection.request import parse_request
    from gvmpy.selection.resolve import match_installed

    home = here().home
    version = match_installed(parse_request(request), home)
    contents = contents_of(home, version)
    try:
        from gvmpy.sbom.cyclonedx import render
    except ModuleNotFoundError as error:
        raise HostError(
            f"`gvmpy sbom` needs the package `cyclonedx-python-lib`: {error}",
            hint=f"{sys.executable} -m pip install 'cyclonedx-python-lib>=11'",
        ) from error
    text = render(contents)
    if output is None:
        return Result(data=json.loads(text), text=text)
    path = output.absolute()
    try:
        write_atomic(path, f"{text}\n".encode(), mode=0o644)
    except OSError as error:
        raise HostError(f"cannot write `{path}`: {error.strerror}") from error
    data = {"version": version.text, "file": str(path)}
    return Result(data=data, notes=(f"wrote `{path}`",))
