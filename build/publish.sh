#!/bin/sh
# Publishes with NativeAOT: publish.sh controller|speaker|both amd64|arm64 FOLDER
set -eu
program=$1 arch=$2 out=$3
case $arch in
    amd64) rid=linux-x64 ;;
    arm64) rid=linux-arm64 ;;
    *) echo "publish.sh: '$arch' is neither amd64 nor arm64" >&2; exit 1 ;;
esac
case $program in
    both) # at once: the compiler of one alone keeps a core and a half busy
        "$0" controller "$arch" "$out" &
        controller=$!
        "$0" speaker "$arch" "$out"
        wait $controller
        exit ;;
    controller) project=controller/LoadBalancer.Controller.csproj ;;
    speaker) project=speaker/LoadBalancer.Speaker.csproj ;;
    *) echo "publish.sh: '$program' is none of controller, speaker, both" >&2; exit 1 ;;
esac
exec dotnet publish "$project" --configuration Release --runtime "$rid" --output "$out" --nologo -v quiet
