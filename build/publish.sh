#!/bin/sh
# Publishes with NativeAOT: publish.sh controller|speaker|kubectl-lb|all amd64|arm64 FOLDER, or controller|speaker|kubectl-lb amd64|arm64 FOLDER SYSROOT
#   SYSROOT   links against the C library in there, instead of this machine's, and so that the same commit gives the same bytes;
#             the linker for another architecture than this machine's is Debian's binutils-aarch64-linux-gnu or binutils-x86-64-linux-gnu
set -eu
program=$1 arch=$2 out=$3 sysroot=${4:-}
case $arch in
    amd64) rid=linux-x64 triple=x86_64-linux-gnu ;;
    arm64) rid=linux-arm64 triple=aarch64-linux-gnu ;;
    *) echo "publish.sh: '$arch' is neither amd64 nor arm64" >&2; exit 1 ;;
esac
case $program in
    all) # two at once: the compiler of one alone keeps a core and a half busy
        "$0" controller "$arch" "$out" &
        controller=$!
        "$0" speaker "$arch" "$out"
        wait $controller
        "$0" kubectl-lb "$arch" "$out"
        exit ;;
    controller) project=controller/LoadBalancer.Controller.csproj ;;
    speaker) project=speaker/LoadBalancer.Speaker.csproj ;;
    kubectl-lb) project=kubectl-lb/LoadBalancer.Kubectl.csproj ;;
    *) echo "publish.sh: '$program' is none of controller, speaker, kubectl-lb, all" >&2; exit 1 ;;
esac
# Native debug symbols: the images do not carry them, they take a good part of the compiler's time, and stack traces name methods without them.
# It is said here because the compiler's own settings come after the tree's.
set -- -p:NativeDebugSymbols=false
if [ -n "$sysroot" ]; then
    # What an ordinary build left is not taken: it was compiled with other settings, which the compiler does not always notice.
    rm -rf controller/obj/Release speaker/obj/Release kubectl-lb/obj/Release shared/*/obj/Release
    # ContinuousIntegrationBuild keeps this folder's path out of the program, but not out of the generated sources that managed debug information
    # embeds, on which the assemblies' identities depend. The locked mode takes the packages of the lock files and no others.
    set -- "$@" -p:ContinuousIntegrationBuild=true -p:DebugType=none -p:RestoreLockedMode=true -p:SysRoot="$(cd "$sysroot" && pwd)" -p:ObjCopyName=$triple-objcopy
fi
exec dotnet publish "$project" --configuration Release --runtime "$rid" --output "$out" --nologo -v quiet "$@"
