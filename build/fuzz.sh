#!/bin/sh
# The properties and mutation tests, each for longer than in `make test`; then hostile frames on a real wire. What is not taken is kept in
# a folder Crashers beside the test, to go into the repository with the fix.
#   DURATION=30   for how long each
set -eu
cd "$(dirname "$0")/.."
build/prepare.sh run
dotnet build LoadBalancer.sln --configuration Release --nologo -v quiet
export CsCheck_Time="${DURATION:-30}" LB_TEST_LIMITS=none
for tests in "Core.Tests -class *Properties -class *FrameTests -class *ResponderTests -class *FuzzTests" "Speaker.Tests -class *FuzzTests" \
    "Kubernetes.Tests -class *FuzzTests" "Cluster.Tests -class *HostileWireTests"; do
    set -f
    # shellcheck disable=SC2086 # a project and its filters
    set -- $tests
    name=$1; shift
    echo "== $name $*"
    "tests/$name/bin/Release/net10.0/LoadBalancer.$name" -noLogo "$@"
done
