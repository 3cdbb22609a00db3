#!/bin/sh
# Makes the whole of an image and the list of what is in it:
#   image-root.sh controller|speaker amd64|arm64 FOLDER   writes FOLDER/PROGRAM-ARCH.tar and FOLDER/PROGRAM-ARCH.spdx.json
# The program, the libraries it is linked to or opens, those they are linked to, and nothing else: no shell, no package manager.
# From the same commit come the same bytes: the packages are those of build/image-packages.lock and of the packages.lock.json,
# and all times are SOURCE_DATE_EPOCH, the commit's.
set -eu
umask 022
export LC_ALL=C
cd "$(dirname "$0")/.."
program=$1 arch=$2 out=$3
case $arch in
    amd64) triple=x86_64-linux-gnu ;;
    arm64) triple=aarch64-linux-gnu ;;
    *) echo "image-root.sh: '$arch' is neither amd64 nor arm64" >&2; exit 1 ;;
esac
: "${SOURCE_DATE_EPOCH:?image-root.sh: the seconds since 1970 that all times in the image are set to; build/images.sh takes the commit's}"
# Opened by name at run time, so that the program does not say it needs them. The last is the C library's own wish, when a thread ends.
opened="libssl.so.3 libcrypto.so.3 libgcc_s.so.1"
[ "$program" = controller ] || opened="$opened libpcap.so.0.8 libbpf.so.1"

mkdir -p "$out"
sysroot=$out/sysroot-$arch root=$out/root/$program-$arch
build/image-packages.sh "$arch" "$sysroot"
build/publish.sh "$program" "$arch" "$out/publish-$arch" "$sysroot"

rm -rf "$root"
mkdir -p "$root/usr/lib/$triple" "$root/var/lib/dpkg/status.d" "$root/etc"
install -m 755 "$out/publish-$arch/loadbalancer-$program" "$root/"

needed() { readelf --dynamic --wide "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
take() { # SONAME: copies the library, what its package says about itself and its copyright, then what it needs
    [ ! -e "$root/usr/lib/$triple/$1" ] || return 0
    file=$(cd "$sysroot" && grep -lxF -e "./lib/$triple/$1" -e "./usr/lib/$triple/$1" packages/*.files) || {
        echo "image-root.sh: no package of build/image-packages.lock has $1; add the one that has it in build/image-packages.sh, then: build/image-packages.sh renew" >&2
        exit 1
    }
    package=$(basename "$file" .files)
    for from in "$sysroot/lib/$triple/$1" "$sysroot/usr/lib/$triple/$1"; do [ ! -e "$from" ] || break; done
    install -m 644 "$from" "$root/usr/lib/$triple/$1"
    install -m 644 "$sysroot/packages/$package" "$root/var/lib/dpkg/status.d/$package"
    install -D -m 644 "$sysroot/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright"
    for next in $(needed "$root/usr/lib/$triple/$1"); do take "$next"; done
}
for library in $opened $(needed "$root/loadbalancer-$program"); do take "$library"; done

# The loader, where the program asks for it.
loader=$(readelf --program-headers --wide "$root/loadbalancer-$program" | sed -n 's/.*interpreter: \(.*\)\]/\1/p')
take "${loader##*/}"
chmod 755 "$root/usr/lib/$triple/${loader##*/}"
for folder in lib "${loader%/*}"; do
    folder=${folder#/}
    [ -e "$root/$folder" ] || ln -s "usr/$folder" "$root/$folder"
    mkdir -p "$root/usr/$folder"
done
ln -s "../lib/$triple/${loader##*/}" "$root/usr$loader"

echo 'root:x:0:0:root:/:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin' > "$root/etc/passwd"
mkdir -m 1777 "$root/tmp"

tar --create --file "$out/$program-$arch.tar" --directory "$root" --format=ustar --sort=name \
    --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner .
build/image-sbom.sh "$program" "$arch" "$root" > "$out/$program-$arch.spdx.json"
