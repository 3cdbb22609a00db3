#!/bin/sh
# Prints where a kubectl 1.20 is: Debian 12's own, unpacked into artifacts, not installed. Prints nothing where no package is of that version.
set -u
cd "$(dirname "$0")/.." || exit 1
folder=$PWD/artifacts/kubectl-1.20
program=$folder/usr/bin/kubectl
fetch() {
    (cd "$folder" && apt-get download -qq kubernetes-client=1.20* && dpkg -x kubernetes-client_1.20*.deb .) >/dev/null 2>&1
}
if [ ! -x "$program" ]; then
    mkdir -p "$folder"
    fetch || { apt-get update -qq >/dev/null 2>&1 && fetch; }
fi
[ ! -x "$program" ] || echo "$program"
