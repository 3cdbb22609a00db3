#!/bin/sh
# Installs what NativeAOT needs to link for the target: native-toolchain.sh BUILDARCH TARGETARCH (amd64 or arm64).
set -eu
build=$1 target=$2
apt-get update
if [ "$build" = "$target" ]; then
    apt-get install -y --no-install-recommends clang zlib1g-dev
else
    case $target in
        arm64) triple=aarch64-linux-gnu ;;
        amd64) triple=x86-64-linux-gnu ;;
        *) echo "native-toolchain.sh: no cross toolchain for '$target'; use amd64 or arm64" >&2; exit 1 ;;
    esac
    dpkg --add-architecture "$target"
    # Ubuntu serves arm64 from another host than amd64; Debian serves both from one.
    if [ -f /etc/apt/sources.list.d/ubuntu.sources ]; then
        . /etc/os-release
        sed -i "/^Types:/a Architectures: $build" /etc/apt/sources.list.d/ubuntu.sources
        host=http://ports.ubuntu.com/ubuntu-ports
        [ "$target" = amd64 ] && host=http://archive.ubuntu.com/ubuntu
        printf 'Types: deb\nURIs: %s\nSuites: %s %s-updates %s-security\nComponents: main universe\nArchitectures: %s\nSigned-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg\n' \
            "$host" "$VERSION_CODENAME" "$VERSION_CODENAME" "$VERSION_CODENAME" "$target" > /etc/apt/sources.list.d/target.sources
    fi
    apt-get update
    apt-get install -y --no-install-recommends clang llvm "binutils-$triple" "gcc-$triple" "zlib1g-dev:$target"
fi
rm -rf /var/lib/apt/lists/*
