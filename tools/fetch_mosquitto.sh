#!/usr/bin/env bash
# Puts a Mosquitto with its dynamic-security plug-in where the tests find it: below FOLDER/root.
#   tools/fetch_mosquitto.sh FOLDER
# That of MOSQUITTO_ROOT (the root of its files), else the system's, else Debian's packages,
# which are unpacked into FOLDER and nowhere else: nothing is installed, and nobody has to be root.
set -euo pipefail
least=2.0.11 # of Debian 12, with which the tests were made
folder=$1
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
rm -rf "${folder:?}/root" "$folder/.ready"

say() { printf 'edgemark: %s\n' "$*" >&2; }

# Whether all that the tests start is below a root.
is_whole() {
    [ -x "$1/usr/sbin/mosquitto" ] && [ -x "$1/usr/bin/mosquitto_ctrl" ] && {
        compgen -G "$1/usr/lib*/mosquitto_dynamic_security.so" >/dev/null ||
            compgen -G "$1/usr/lib*/*/mosquitto_dynamic_security.so" >/dev/null
    }
}

# `mosquitto -h` ends with status 3 and tells its version in the first line.
version_of() {
    local libraries
    libraries=$(find "$1/usr/lib" "$1/lib" -maxdepth 1 -name '*-linux-gnu*' 2>/dev/null | paste -sd:)
    { LD_LIBRARY_PATH=$libraries "$1/usr/sbin/mosquitto" -h 2>&1 || true; } |
        sed -n 's/^mosquitto version \([0-9.]*\).*/\1/p'
}

is_new_enough() { # root, by which it is called
    local had
    had=$(version_of "$1")
    [ "$(printf '%s\n%s\n' "$least" "$had" | sort -V | head -1)" = "$least" ] && return 0
    say "$2 is Mosquitto ${had:-of no version that it tells}, needed is $least or later"
    return 1
}

take() { # root, by which it is called
    is_whole "$1" && is_new_enough "$1" "$2" && ln -s "$1" "$folder/root"
}

# With the lists of packages that the system has; else with new ones, which stay in FOLDER.
download() {
    local -a places=(-o "Dir::Cache::archives=$folder/packages" -o "Dir::State::lists=$folder/lists")
    local -a quiet=(-qq -o Debug::NoLocking=1)
    mkdir -p "$folder/packages/partial" "$folder/lists/partial"
    apt-get "${quiet[@]}" "${places[0]}" "${places[1]}" --yes --no-install-recommends \
        --download-only install mosquitto >/dev/null 2>&1 && return 0
    apt-get "${quiet[@]}" "${places[@]}" update >&2 &&
        apt-get "${quiet[@]}" "${places[@]}" --yes --no-install-recommends \
            --download-only install mosquitto >/dev/null
}

unpack() {
    local package
    mkdir -p "$folder/root"
    for package in "$folder"/packages/*.deb; do
        dpkg-deb --extract "$package" "$folder/root"
    done
    rm -rf "$folder/packages" "$folder/lists"
    is_whole "$folder/root" && is_new_enough "$folder/root" "the package"
}

if [ -n "${MOSQUITTO_ROOT:-}" ]; then
    take "$MOSQUITTO_ROOT" "MOSQUITTO_ROOT=$MOSQUITTO_ROOT" && exit 0
    say "there is no Mosquitto with its plug-in at MOSQUITTO_ROOT=$MOSQUITTO_ROOT"
    exit 1
fi
take / "the system's" && exit 0
if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null && download && unpack; then
    exit 0
fi
rm -rf "${folder:?}/root"
say "no Mosquitto $least or later with its dynamic-security plug-in, which the tests of both brokers need"
say "    Debian: apt-get install mosquitto; elsewhere: MOSQUITTO_ROOT=FOLDER make test"
exit 1
