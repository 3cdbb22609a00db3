#!/bin/sh
# Builds kubectl-lb for Linux on amd64 and arm64. In artifacts/plugin:
#   kubectl-lb-linux-ARCH             the program
#   kubectl-lb-linux-ARCH.spdx.json   what is in it
#   kubectl_complete-lb               completion, the same for both
#   SHA256SUMS                        of all of them, as `sha256sum --check` takes it
# Linked against the C library of build/image-packages.lock, so that it runs on every distribution that is not older, and so that the same
# commit gives the same bytes.
#   ARCHS=amd64   one of them only
set -eu
umask 022
cd "$(dirname "$0")/.."
out=artifacts/plugin
build/prepare.sh images
REVISION=$(git rev-parse HEAD)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
[ -z "$(git status --porcelain)" ] || REVISION=$REVISION-dirty
export REVISION SOURCE_DATE_EPOCH
rm -rf $out
mkdir -p $out
for arch in ${ARCHS:-amd64 arm64}; do
    build/image-packages.sh "$arch" artifacts/images/sysroot-"$arch"
    build/publish.sh kubectl-lb "$arch" artifacts/plugin-"$arch" artifacts/images/sysroot-"$arch"
    install -m 755 artifacts/plugin-"$arch"/kubectl-lb $out/kubectl-lb-linux-"$arch"
    build/image-sbom.sh kubectl-lb "$arch" > $out/kubectl-lb-linux-"$arch".spdx.json
done
install -m 755 kubectl-lb/kubectl_complete-lb $out/
(cd $out && sha256sum -- * > ../SHA256SUMS && mv ../SHA256SUMS .)
cat $out/SHA256SUMS
