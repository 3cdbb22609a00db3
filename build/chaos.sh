#!/bin/sh
# Random faults on the local cluster; prints the seed, which repeats the run.
#   DURATION=300   for how long    SEED=1   which faults
set -eu
cd "$(dirname "$0")/.."
build/prepare.sh run
dotnet build LoadBalancer.sln --configuration Release --nologo -v quiet
export LB_CHAOS_SECONDS="${DURATION:-300}" LB_CHAOS_SEED="${SEED:-}"
exec tests/Cluster.Tests/bin/Release/net10.0/LoadBalancer.Cluster.Tests -noLogo -showLiveOutput -class LoadBalancer.Cluster.Tests.Outages.ChaosTests
