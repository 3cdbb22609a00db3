#!/bin/sh
# The Debian packages that the images consist of, beside the program, and that it is linked against: build/image-packages.lock names each
# with version and hash, so that a commit means the same bytes everywhere and later.
#   image-packages.sh amd64|arm64 FOLDER   unpacks them into FOLDER, with what each says of itself and its files' names in FOLDER/packages
#   image-packages.sh renew                writes the lock anew from what Debian has today (security fixes); commit the difference
#   DEBIAN=http://mirror.lan               the mirror, with debian/ and debian-security/ in it; else the one this machine's apt uses for debian/
# Nothing of the packages is run and nothing of this machine is changed, so any architecture's are taken on any.
set -eu
cd "$(dirname "$0")/.."
lock=build/image-packages.lock
release=bookworm

# To link: libc6-dev, libgcc-12-dev. For its licence: gcc-12-base. NativeAOT opens OpenSSL at run time, the speaker libpcap and libbpf. The others are what those are linked to.
packages="libc6 libc6-dev libgcc-s1 libgcc-12-dev gcc-12-base libssl3 libpcap0.8
    libbpf1 libelf1 zlib1g libcap2 libdbus-1-3 libgcrypt20 libgpg-error0 liblz4-1 liblzma5 libsystemd0 libzstd1"

find_mirror() {
    mirror=${DEBIAN:-$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | sed -n 's|/debian/*$||p' | head -n 1)}
    [ -n "$mirror" ] || { echo "image-packages.sh: this machine's apt names no mirror of Debian. What would work: DEBIAN=http://… one with debian/ and debian-security/ in it" >&2; exit 1; }
}

renew() { # an apt of its own, which leaves this machine's lists alone
    find_mirror
    state=$(mktemp -d)
    trap 'rm -rf "$state"' EXIT
    for suite in "debian $release" "debian-security $release-security"; do
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror/$suite main"
    done > "$state/sources.list"
    for arch in amd64 arm64; do
        mkdir -p "$state/$arch/lists/partial" "$state/$arch/cache/archives/partial"
        : > "$state/$arch/status"
        set -- -o APT::Sandbox::User=root -o APT::Architecture=$arch -o APT::Architectures::=$arch -o Dir::State="$state/$arch" -o Dir::State::status="$state/$arch/status" \
            -o Dir::Cache="$state/$arch/cache" -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null
        apt-get "$@" -qq update
        # shellcheck disable=SC2086 # a list of names
        apt-cache "$@" show --no-all-versions $packages | awk -v arch=$arch '
            { field[$1] = $2 }
            $1 == "Package:" { name = $2 }
            /^$/ && name != "" {
                file = field["Filename:"]
                print arch, name, field["Version:"], field["SHA256:"], (file ~ /^pool\/updates\// ? "debian-security/" : "debian/") file
                name = ""
            }'
    done | sort > "$state/lock"
    count=$(echo "$packages" | wc -w)
    [ "$(wc -l < "$state/lock")" -eq $((2 * count)) ] ||
        { echo "image-packages.sh: Debian $release did not name all $count packages for both architectures; $lock is left as it was" >&2; exit 1; }
    { echo "# Debian $release: architecture, package, version, SHA-256, file. Written by build/image-packages.sh renew."; cat "$state/lock"; } > $lock
}

unpack() { # ARCH FOLDER
    arch=$1 folder=$2
    find_mirror
    rm -rf "$folder"
    mkdir -p "$folder/packages" "$folder.packages"
    grep "^$arch " $lock | while read -r _ name version hash file; do
        package=$folder.packages/${file##*/}
        if ! echo "$hash  $package" | sha256sum --check --status 2>/dev/null; then
            /usr/lib/apt/apt-helper -qq -o APT::Sandbox::User=root download-file "$mirror/$file" "$package" "SHA256:$hash" || {
                echo "image-packages.sh: $mirror has no $name $version for $arch any more (or cannot be reached)." \
                    "What would work: DEBIAN=… a mirror that keeps it; or build/image-packages.sh renew, which takes Debian's newest and changes the images" >&2
                exit 1
            }
        fi
        dpkg-deb --extract "$package" "$folder"
        dpkg-deb --field "$package" > "$folder/packages/$name"
        dpkg-deb --contents "$package" | awk '{ print $6 }' > "$folder/packages/$name.files"
    done
}

case ${1:-} in
    renew) renew ;;
    amd64|arm64) unpack "$1" "${2:?image-packages.sh: into which folder?}" ;;
    *) echo "image-packages.sh: say renew, or amd64|arm64 and a folder" >&2; exit 2 ;;
esac
