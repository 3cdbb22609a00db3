#!/bin/sh
# A cluster on this machine, shown at work. KEEP=1 leaves it running.
set -eu
cd "$(dirname "$0")/.."
build/prepare.sh run
echo "building"
dotnet build LoadBalancer.sln --configuration Release --nologo -v quiet
exec tests/LocalCluster/bin/Release/net10.0/LoadBalancer.LocalCluster demo ${KEEP:+--keep}
