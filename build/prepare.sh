#!/bin/sh
# Installs from Debian's packages what a command needs and this machine lacks, and says so first: prepare.sh run|test|publish
#   run      what the programs and the cluster on one machine need
#   publish  what NativeAOT needs to link
#   test     both
set -eu

missing=
need() { # PACKAGE TEST...
    package=$1; shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}
has_library() { PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep -q "$1"; }
has_program() { PATH=$PATH:/sbin:/usr/sbin command -v "$1"; }

case ${1:-} in run|test)
    need libpcap0.8 has_library 'libpcap\.so\.\(0\.8\|1\)'
    need iproute2 has_program ip
    need util-linux has_program unshare
    need nftables has_program nft
    need nginx-light has_program nginx
    need curl has_program curl
esac
case ${1:-} in test)
    need iputils-arping has_program arping
    need kubernetes-client has_program kubectl
    need openssl has_program openssl
    need prometheus has_program promtool
    need prometheus-alertmanager has_program amtool
    need prometheus-node-exporter has_program prometheus-node-exporter
esac
case ${1:-} in publish|test)
    need clang has_program clang
    need zlib1g-dev test -e /usr/include/zlib.h
esac
case ${1:-} in run|test|publish) ;; *) echo "prepare.sh: say run, test or publish" >&2; exit 2 ;; esac

[ -n "$missing" ] || exit 0
echo "installing from Debian's packages:$missing"
if [ "$(id -u)" -eq 0 ]; then as_root=; elif has_program sudo >/dev/null; then as_root=sudo; else
    echo "prepare.sh: not root and no sudo here; install these yourself:$missing" >&2
    exit 1
fi

# Packages are wanted for their programs: no service may start with them (nginx would take port 80).
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
    $as_root chmod +x $policy
    trap '$as_root rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of names
$as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
