#!/bin/sh
# What the answering path costs and how long others keep it waiting; then, with the published programs, what a speaker costs while nothing happens and what clients see, without
# and with the kernel's part; then many Services: memory, how long a Service of a burst waits for its address, restarts with 10,000. docs/performance.md has the figures.
#   DURATION=30   for how many seconds what a speaker costs is measured
set -eu
cd "$(dirname "$0")/.."
build/prepare.sh test
dotnet run --configuration Release --project tests/Benchmarks
build/publish.sh controller "$(dpkg --print-architecture)" artifacts/publish
build/publish.sh speaker "$(dpkg --print-architecture)" artifacts/publish
export LB_BIN="$PWD/artifacts/publish"
for kernel in "" kernel; do
    tests/Benchmarks/bin/Release/net10.0/LoadBalancer.Benchmarks idle $kernel "${DURATION:-30}"
    tests/Benchmarks/bin/Release/net10.0/LoadBalancer.Benchmarks wire $kernel
done
tests/Benchmarks/bin/Release/net10.0/LoadBalancer.Benchmarks scale
