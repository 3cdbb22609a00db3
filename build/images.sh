#!/bin/sh
# Builds the two images that manifests/loadbalancer asks for, with buildah, podman or docker, whichever is there. In artifacts/images:
#   PROGRAM.oci.tar           the image for each platform, as `ctr images import`, podman and docker load take it (without REGISTRY)
#   PROGRAM-ARCH.spdx.json    what is in it
#   digests.txt               NAME@sha256:… of each, as cosign takes it
# The same commit gives the same digest with the same tool, .NET SDK, clang and binutils.
#   REGISTRY=registry.lan:5000   in place of the host in their names; and pushes
#   PLATFORMS=linux/amd64        fewer platforms than linux/amd64,linux/arm64
#   DEBIAN=http://mirror.lan     the mirror of Debian, in place of the one this machine uses
set -eu
cd "$(dirname "$0")/.."
platforms=${PLATFORMS:-linux/amd64,linux/arm64}
list=$(echo "$platforms" | tr , ' ')
registry=${REGISTRY:-}
out=artifacts/images

tool=
for candidate in buildah podman docker; do
    if command -v "$candidate" >/dev/null 2>&1; then
        # The docker client alone, without an engine behind it, builds nothing.
        if [ "$candidate" = docker ] && ! docker info >/dev/null 2>&1; then continue; fi
        tool=$candidate
        break
    fi
done
if [ -z "$tool" ]; then
    echo "images.sh: none of buildah, podman, docker (with a running engine) is here; install one (Debian: apt-get install buildah)" >&2
    exit 1
fi
build/prepare.sh images

REVISION=$(git rev-parse HEAD)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
[ -z "$(git status --porcelain)" ] || {
    echo "images.sh: this tree has changes that are not committed; the images are marked $REVISION-dirty and are nobody else's" >&2
    REVISION=$REVISION-dirty
}
export REVISION SOURCE_DATE_EPOCH
created=$(date --utc --date="@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
mkdir -p $out
: > $out/digests.txt

for program in controller speaker; do
    image=$(sed -n "s|^ *image: \(.*/$program:.*\)|\1|p" manifests/loadbalancer.yaml)
    [ -z "$registry" ] || image=$registry/${image#*/}
    for platform in $list; do
        echo "$image for $platform"
        build/image-root.sh "$program" "${platform#linux/}" $out
    done
    echo "packing $image with $tool"
    set -- --build-arg VERSION="${image##*:}" --build-arg REVISION="$REVISION" --build-arg CREATED="$created" \
        -f "Dockerfile.$program"
    archive=$out/$program.oci.tar
    rm -f $archive $out/digest
    case $tool in
        docker)
            output=type=oci,dest=$archive
            [ -z "$registry" ] || output=type=image,push=true
            # What the builder would add says when and where it built.
            docker buildx build --platform "$platforms" --provenance=false --sbom=false --output "$output,name=$image,rewrite-timestamp=true" --metadata-file $out/digest "$@" $out
            digest=$(sed -n 's/.*"containerimage.digest": *"\([^"]*\)".*/\1/p' $out/digest) ;;
        *)
            target=oci-archive:$archive:$image
            [ -z "$registry" ] || target=docker://$image
            # Building into a name that is taken adds to what is there: earlier images, under a name that says nothing of them.
            $tool manifest rm "$image" >/dev/null 2>&1 || $tool rmi "$image" >/dev/null 2>&1 || true
            if $tool manifest exists "$image" 2>/dev/null; then
                echo "images.sh: $tool keeps an older $image; what would work: $tool rm --all (containers that use it), then: $tool manifest rm $image" >&2
                exit 1
            fi
            # One after the other: several at once come in any order, which the digest would tell.
            for platform in $list; do
                $tool build --platform "$platform" --format oci --identity-label=false --timestamp "$SOURCE_DATE_EPOCH" --manifest "$image" "$@" $out
            done
            $tool manifest push --all --digestfile $out/digest "$image" "$target"
            digest=$(cat $out/digest) ;;
    esac
    rm -f $out/digest
    echo "${image%:*}@$digest" >> $out/digests.txt
done
cat $out/digests.txt
