#!/bin/sh
# Builds, publishes the programs with NativeAOT, runs every test project, and ends with the counts of all of them:
# "N passed, N failed, N skipped". A test that hangs fails alone when its limit is over (tests/Testing); a test project that crashes, hangs
# all the same or runs no test counts as a failure.
#   FILTER='-class Some.Class'   is handed to every test project
set -u
cd "$(dirname "$0")/.." || exit 1
results=artifacts/test-results
rm -rf "$results" && mkdir -p "$results"

step() {
    printf '\n== %s\n' "$1"
    shift
    "$@" && return
    echo "failed: $*" >&2
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}
step "what is missing" build/prepare.sh test
# One warm compiler for all projects, also where the environment switches it off: half the time.
UseSharedCompilation=true
export UseSharedCompilation
step "build" dotnet build LoadBalancer.sln --configuration Release --nologo -v quiet
step "publish the programs" build/publish.sh all "$(dpkg --print-architecture)" artifacts/publish
dotnet build-server shutdown --vbcscompiler >/dev/null 2>&1
LB_BIN=$PWD/artifacts/publish
export LB_BIN
KUBECTL_1_20=${KUBECTL_1_20:-$(build/kubectl-1.20.sh)}
export KUBECTL_1_20

passed=0 failed=0 skipped=0
count() { # FILE NAME: an attribute of the report's assembly element; the whole report is one line, its collections have counts too
    grep -o '<assembly [^>]*>' "$1" | sed -n "s/.* $2=\"\([0-9]*\)\".*/\1/p"
}
run() { # REPORT PROJECT ARGUMENT...: one run of a project's tests; prints what it printed when it is over
    name=$1 project=$2
    report=$results/$name.xml log=$results/$name.log
    shift 2
    # shellcheck disable=SC2086 # FILTER is several words
    timeout --kill-after=10 900 "tests/$project/bin/Release/net10.0/LoadBalancer.$project" -noLogo -noColor -xml "$report" "$@" ${FILTER:-} </dev/null >"$log" 2>&1
    echo $? >"$results/$name.status"
    printf '\n== %s\n' "$name"
    cat "$log"
}
for project in tests/*.Tests; do
    project=$(basename "$project")
    [ "$project" = Cluster.Tests ] || run "$project" "$project"
done

# Tests on the wire wait most of the time: two halves at once, each with a network of its own.
wire=LoadBalancer.Cluster.Tests
run Cluster.Tests.1 Cluster.Tests -namespace "$wire.Announcing" -namespace "$wire.Assigning" -namespace "$wire.Stack" -namespace "$wire.Stage" \
    >"$results/wire" 2>&1 &
run Cluster.Tests.2 Cluster.Tests -namespace- "$wire.Announcing" -namespace- "$wire.Assigning" -namespace- "$wire.Stack" -namespace- "$wire.Stage"
wait
cat "$results/wire"

for status in "$results"/*.status; do
    name=$(basename "$status" .status)
    report=$results/$name.xml
    total=$(count "$report" total 2>/dev/null)
    if [ -z "$total" ] || { [ "$total" -eq 0 ] && [ -z "${FILTER:-}" ]; }; then
        echo "$name: no test result (exit status $(cat "$status")); what failed until then:"
        grep ' \[FAIL\]$' "$results/$name.log"
        failed=$((failed + 1))
        continue
    fi
    wrong=$(($(count "$report" failed) + $(count "$report" errors)))
    # A run that ends badly although each of its tests passed has still gone wrong.
    if [ "$(cat "$status")" -ne 0 ] && [ "$wrong" -eq 0 ]; then
        echo "$name: exit status $(cat "$status")"
        wrong=1
    fi
    passed=$((passed + $(count "$report" passed)))
    skipped=$((skipped + $(count "$report" skipped)))
    failed=$((failed + wrong))
done

printf '\n'
if [ "$skipped" -gt 0 ]; then
    echo "skipped, because:"
    grep -ho '<reason><!\[CDATA\[[^]]*' "$results"/*.xml | sed 's/.*CDATA\[/  /' | sort | uniq -c
fi
if [ "$failed" -gt 0 ]; then
    echo "failed:"
    # A line for each: its name and how its message begins.
    cat "$results"/*.xml | tr '\n' ' ' | sed 's/<test /\n<test /g' |
        sed -n '/result="Fail"/s/^<test [^>]* name="\([^"]*\)".*<message><!\[CDATA\[\(.\{0,300\}\).*/  \1: \2/p' | sed 's/\]\]>.*//'
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
