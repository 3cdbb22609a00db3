#!/bin/sh
# A cluster on this machine, shown at work. KEEP=1 leaves it running.
set -eu
cd "$(dirname "$0")/.."
build/prepare.sh run
echo "building both programs and the cluster they run on: a minute or two the first time, downloads aside"
# One warm compiler for all projects, also where the environment switches it off: half the time.
UseSharedCompilation=true
export UseSharedCompilation
dotnet build build/demo.slnf --configuration Release --nologo -v minimal
exec tests/LocalCluster/bin/Release/net10.0/LoadBalancer.LocalCluster demo ${KEEP:+--keep}
