#!/bin/sh
# Builds the two images that manifests/loadbalancer asks for, with docker, podman or buildah, whichever is there.
#   REGISTRY=registry.lan:5000   in place of the host in their names; and pushes
#   PLATFORMS=linux/amd64,linux/arm64   builds for several architectures (needs REGISTRY with docker: its store keeps one)
#   SDK=… RUNTIME=…   other base images than the Dockerfiles', of a mirror for example; LIBPCAP=… libpcap's package in the former
set -eu
cd "$(dirname "$0")/.."
platforms=${PLATFORMS:-}
registry=${REGISTRY:-}

tool=
for candidate in docker podman buildah; do
    if command -v "$candidate" >/dev/null 2>&1; then
        # The docker client alone, without an engine behind it, builds nothing.
        if [ "$candidate" = docker ] && ! docker info >/dev/null 2>&1; then continue; fi
        tool=$candidate
        break
    fi
done
if [ -z "$tool" ]; then
    echo "images.sh: none of docker (with a running engine), podman, buildah is here; install one (Debian: apt-get install buildah)" >&2
    exit 1
fi

set --
for name in SDK RUNTIME LIBPCAP; do
    eval "value=\${$name:-}"
    [ -z "$value" ] || set -- "$@" --build-arg "$name=$value"
done

for program in controller speaker; do
    image=$(sed -n "s|^ *image: \(.*/$program:.*\)|\1|p" manifests/loadbalancer.yaml)
    [ -z "$registry" ] || image=$registry/${image#*/}
    echo "building $image with $tool${platforms:+ for $platforms}"
    case $tool in
        docker)
            if [ -n "$platforms" ]; then
                docker buildx build --platform "$platforms" ${registry:+--push} "$@" -f "Dockerfile.$program" -t "$image" .
            else
                DOCKER_BUILDKIT=1 docker build "$@" -f "Dockerfile.$program" -t "$image" .
                [ -z "$registry" ] || docker push "$image"
            fi ;;
        *)
            if [ -n "$platforms" ]; then
                $tool build --platform "$platforms" --manifest "$image" "$@" -f "Dockerfile.$program" .
                [ -z "$registry" ] || $tool manifest push --all "$image" "docker://$image"
            else
                $tool build "$@" -f "Dockerfile.$program" -t "$image" .
                [ -z "$registry" ] || $tool push "$image"
            fi ;;
    esac
done
