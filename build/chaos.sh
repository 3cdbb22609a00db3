#!/bin/sh
# First, in simulated time, random lives of clusters: what an address goes through, and which nodes are stated to be lost and marked; then large
# segments. Then, on the wire, what an address goes through: the table of faults of one node, with three nodes and with two, in rounds of 14 seconds each with minimum,
# median and maximum; each scenario of failover and restart in rounds; then random faults, one after another. Prints the seed, which
# repeats them.
#   SEEDS=1000 lives of each kind    NODES=10,20,50 of large segments, VIPS=0 further addresses on them, SECONDS_APART=20 of lost frames, and of halves that are apart
#   FAULTS=3   rounds of each fault    ROUNDS=20   of each scenario    DURATION=300   of random faults, in seconds    SEED=1   which
set -eu
cd "$(dirname "$0")/.."
build/prepare.sh test
dotnet build LoadBalancer.sln --configuration Release --nologo -v quiet
build/publish.sh all "$(dpkg --print-architecture)" artifacts/publish
export LB_BIN="$PWD/artifacts/publish" LB_TEST_LIMITS=none
export LB_FAULT_ROUNDS="${FAULTS:-3}"
export LB_CHAOS_ROUNDS="${ROUNDS:-20}" LB_BUSY_SECONDS=60 LB_CHAOS_SECONDS="${DURATION:-300}" LB_CHAOS_SEED="${SEED:-}"
LB_SIMULATIONS="${SEEDS:-1000}" tests/Speaker.Tests/bin/Release/net10.0/LoadBalancer.Speaker.Tests -noLogo -showLiveOutput \
    -class LoadBalancer.Speaker.Tests.Simulation.SimulationTests -class LoadBalancer.Speaker.Tests.Simulation.NodeLossSchedules \
    -class LoadBalancer.Speaker.Tests.Simulation.NeverWronglyScenarios
LB_LARGE="${NODES:-10,20,50}" LB_LARGE_VIPS="${VIPS:-0}" LB_LARGE_SECONDS="${SECONDS_APART:-20}" tests/Speaker.Tests/bin/Release/net10.0/LoadBalancer.Speaker.Tests \
    -noLogo -showLiveOutput -class LoadBalancer.Speaker.Tests.Simulation.LargeSegmentScenarios
exec tests/Cluster.Tests/bin/Release/net10.0/LoadBalancer.Cluster.Tests -noLogo -showLiveOutput \
    -class LoadBalancer.Cluster.Tests.Outages.WireFaultTests -class LoadBalancer.Cluster.Tests.Outages.WireFaultsOfTwoTests \
    -class LoadBalancer.Cluster.Tests.Outages.HitlessTests \
    -class LoadBalancer.Cluster.Tests.Outages.PartitionTests -class LoadBalancer.Cluster.Tests.Outages.ChaosTests
