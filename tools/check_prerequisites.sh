#!/usr/bin/env bash
# Names what this machine lacks, and how to get it, before anything is installed.
#   tools/check_prerequisites.sh PYTHON
set -euo pipefail
python=${1:-python3.11}
node_major_least=20
missing=0

lacks() { # what is missing, what to do
    printf 'edgemark: %s\n    %s\n' "$1" "$2" >&2
    missing=1
}

[ "$(uname -s)" = Linux ] || lacks "this is $(uname -s), Edgemark runs on Linux" "use a Linux machine"

# Runs the interpreter rather than looking for it: a version manager's stand-in may lead nowhere.
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || version=
if [ "$version" != 3.11 ]; then
    lacks "$python is ${version:-not there}, needed is Python 3.11" \
        "Debian: apt-get install python3.11 python3.11-venv; or: make PYTHON=/path/to/python3.11"
elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    lacks "$python cannot make virtual environments" "Debian: apt-get install python3.11-venv"
fi

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    lacks "no node and npm on PATH" "install Node $node_major_least or newer, with npm"
elif [ "$(node -p 'process.versions.node.split(".")[0]')" -lt "$node_major_least" ]; then
    lacks "node is $(node --version), needed is v$node_major_least or newer" "install a newer Node"
fi

if [ "$missing" = 0 ] && ! command -v "${CC:-cc}" >/dev/null; then
    echo "edgemark: no C compiler: the field kernel is left out, everything works without it, slower" >&2
fi
exit "$missing"
