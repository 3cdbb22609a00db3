#!/bin/sh
# Puts a shared library and all it links to into a folder, laid out as in a root file system, for an image that has no package manager:
#   runtime-library.sh PACKAGE SONAME amd64|arm64 FOLDER
# Works for another architecture than this machine's, because nothing of the library is run.
set -eu
package=$1 soname=$2 arch=$3 folder=$4
case $arch in
    amd64) triple=x86_64-linux-gnu ;;
    arm64) triple=aarch64-linux-gnu ;;
    *) echo "runtime-library.sh: '$arch' is neither amd64 nor arm64" >&2; exit 1 ;;
esac
apt-get update
apt-get install -y --no-install-recommends binutils "$package:$arch"
rm -rf /var/lib/apt/lists/*

copy() { # SONAME
    case $1 in
        # The runtime image has the C library and the compiler's.
        ld-linux*|libc.so.*|libm.so.*|libdl.so.*|libpthread.so.*|librt.so.*|libgcc_s.so.*) return ;;
    esac
    [ ! -e "$folder/usr/lib/$triple/$1" ] || return 0
    for from in "/usr/lib/$triple/$1" "/lib/$triple/$1" ""; do
        [ -n "$from" ] || { echo "runtime-library.sh: $1 is nowhere" >&2; exit 1; }
        [ ! -e "$from" ] || break
    done
    cp --dereference "$from" "$folder/usr/lib/$triple/$1"
    for needed in $(readelf --dynamic "$from" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
        copy "$needed"
    done
}
mkdir -p "$folder/usr/lib/$triple"
copy "$soname"
