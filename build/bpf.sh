#!/bin/sh
# Compiles a program for the kernel: bpf.sh SOURCE.bpf.c OBJECT. Where clang or libbpf's headers are missing nothing is made, which the
# speaker then says of itself; the same source and tools give the same object wherever the tree is.
set -eu
source=$1 object=$2
headers=/usr/include
if ! command -v clang >/dev/null 2>&1 || [ ! -e $headers/bpf/bpf_helpers.h ]; then
    rm -f "$object"
    echo "bpf.sh: without the kernel's part, for want of clang or libbpf-dev"
    exit 0
fi
case $object in /*) ;; *) object=$PWD/$object ;; esac
mkdir -p "$(dirname "$object")"
cd "$(dirname "$source")"
# The kernel's headers for this machine; the object is the same for every processor that counts from the low end.
exec clang -target bpfel -O2 -g -Wall -Wextra -Werror -fdebug-compilation-dir=. -I"$headers/$(uname -m)-linux-gnu" -c "$(basename "$source")" -o "$object"
