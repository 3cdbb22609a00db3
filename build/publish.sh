#!/bin/sh
# Publishes one program with NativeAOT: publish.sh controller|speaker amd64|arm64 FOLDER
set -eu
program=$1 arch=$2 out=$3
case $arch in
    amd64) rid=linux-x64 ;;
    arm64) rid=linux-arm64 ;;
    *) echo "publish.sh: '$arch' is neither amd64 nor arm64" >&2; exit 1 ;;
esac
case $program in
    controller) project=controller/LoadBalancer.Controller.csproj ;;
    speaker) project=speaker/LoadBalancer.Speaker.csproj ;;
    *) echo "publish.sh: '$program' is neither controller nor speaker" >&2; exit 1 ;;
esac
exec dotnet publish "$project" --configuration Release --runtime "$rid" --output "$out" --nologo -v quiet
