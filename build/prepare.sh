#!/bin/sh
# Says what a command needs and this machine lacks, with what to type, and installs what Debian has of it: prepare.sh run|test|publish|images
#   run      what the programs and the cluster on one machine need
#   publish  what NativeAOT needs to link
#   test     both
#   images   what NativeAOT needs to link for both architectures, and what unpacks Debian's packages
set -eu
cd "$(dirname "$0")/.."
case ${1:-} in run|test|publish|images) ;; *) echo "prepare.sh: say run, test, publish or images" >&2; exit 2 ;; esac
proc=${PROC:-/proc}

problems=
problem() { # WHAT REMEDY...
    echo "missing: $1" >&2
    shift
    for remedy; do echo "    type: $remedy" >&2; done
    problems=1
}
has_library() { PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep -q "$1"; }
has_program() { PATH=$PATH:/sbin:/usr/sbin command -v "$1"; }

# The SDK decides by itself whether it satisfies global.json.
if ! dotnet --version >/dev/null 2>&1; then
    wanted=$(sed -n 's/.*"version": *"\([0-9]*\.[0-9]*\).*/\1/p' global.json)
    found=$(dotnet --list-sdks 2>/dev/null | sed 's/ .*//' | tr '\n' ' ') || found=
    problem "the .NET SDK $wanted; here is ${found:-none}" \
        "curl -fsSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel $wanted && export PATH=\$HOME/.dotnet:\$PATH" \
        "or, where the distribution has it: sudo apt-get install dotnet-sdk-$wanted"
fi

may_make_namespaces() {
    if [ "$(id -u)" -eq 0 ]; then set --; else set -- --user --map-root-user; fi
    unshare "$@" --net --mount --pid --fork --mount-proc true
}
setting() { cat "$proc/sys/$1" 2>/dev/null || true; }
check_namespaces() {
    said=$(may_make_namespaces 2>&1) && return
    if [ "$(id -u)" -eq 0 ]; then
        problem "the right to make namespaces, which the root of a container lacks ($said)" \
            "the same command on the machine itself, or in a container that was started with --privileged"
        return
    fi
    known=
    [ "$(setting kernel/apparmor_restrict_unprivileged_userns)" != 1 ] || {
        known=1
        problem "user namespaces: AppArmor forbids them to ordinary users, as Ubuntu does since 23.10" \
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0    (until the next boot)"
    }
    [ "$(setting kernel/unprivileged_userns_clone)" != 0 ] || {
        known=1
        problem "user namespaces: the kernel forbids them to ordinary users" "sudo sysctl -w kernel.unprivileged_userns_clone=1    (until the next boot)"
    }
    [ "$(setting user/max_user_namespaces)" != 0 ] || {
        known=1
        problem "user namespaces: the kernel allows none" "sudo sysctl -w user.max_user_namespaces=15000    (until the next boot)"
    }
    [ -n "$known" ] || problem "user namespaces: $said"
    echo "    or as root: sudo env PATH=\"\$PATH\" make demo" >&2
}

missing=
need() { # PACKAGE TEST...
    package=$1; shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}
need make has_program make
case $1 in run|test)
    need libpcap0.8 has_library 'libpcap\.so\.\(0\.8\|1\)'
    need iproute2 has_program ip
    need util-linux has_program unshare
    need nftables has_program nft
    need nginx-light has_program nginx
    need curl has_program curl
esac
case $1 in test)
    need iputils-arping has_program arping
    need kubernetes-client has_program kubectl
    need openssl has_program openssl
    need chromium has_program chromium
    need prometheus has_program promtool
    need prometheus-alertmanager has_program amtool
    need prometheus-node-exporter has_program prometheus-node-exporter
esac
case $1 in publish|test|images)
    need libbpf-dev test -e /usr/include/bpf/bpf_helpers.h
esac
case $1 in test)
    need libbpf1 has_library 'libbpf\.so\.1'
esac
case $1 in publish|test)
    need clang has_program clang
    need zlib1g-dev test -e /usr/include/zlib.h
esac
case $1 in images)
    need apt test -x /usr/lib/apt/apt-helper
    need clang has_program clang
    need binutils-x86-64-linux-gnu has_program x86_64-linux-gnu-ld.bfd
    need binutils-aarch64-linux-gnu has_program aarch64-linux-gnu-ld.bfd
    need git has_program git
    need jq has_program jq
esac
case $1 in run|test) check_namespaces ;; esac
as_root=
if [ -n "$missing" ]; then
    if ! has_program apt-get >/dev/null; then
        problem "${missing# } (Debian's names; this system has no apt-get)" "what installs these here"
    elif [ "$(id -u)" -ne 0 ]; then
        as_root=sudo
        has_program sudo >/dev/null || problem "${missing# }, and sudo to install them" "as root: apt-get install$missing"
    fi
fi
[ -z "$problems" ] || exit 1
[ -n "$missing" ] || exit 0
echo "installing from Debian's packages:$missing"

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
