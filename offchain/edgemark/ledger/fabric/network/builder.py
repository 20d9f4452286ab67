"""An external builder for packages of type `ccaas`: chaincode that runs already, as a service.

A peer asks a builder in three steps, each a program: whether it knows the package (`detect`), to
build it, and to say where it runs (`release`). Here nothing is built: the package says where its
service listens. Source: Fabric's documentation, "External Builders and Launchers".
"""

from __future__ import annotations

from pathlib import Path

from edgemark.files import write_whole

NAME = "ccaas"
PROGRAMS = {
    "detect": """\
#!/bin/sh
# detect SOURCE METADATA: 0 for a package of ours
exec grep -Eq '"type"[[:space:]]*:[[:space:]]*"ccaas"' "$2/metadata.json"
""",
    "build": """\
#!/bin/sh
# build SOURCE METADATA OUTPUT
set -e
cp "$1/connection.json" "$3/"
if [ -d "$1/META-INF" ]; then cp -R "$1/META-INF" "$3/"; fi
""",
    "release": """\
#!/bin/sh
# release BUILT OUTPUT
set -e
mkdir -p "$2/chaincode/server"
cp "$1/connection.json" "$2/chaincode/server/"
""",
}


def write_builder(folder: Path) -> None:
    """Write the programs of the builder into a folder."""
    programs = folder / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    for name, text in PROGRAMS.items():
        write_whole(programs / name, text.encode(), mode=0o755)
