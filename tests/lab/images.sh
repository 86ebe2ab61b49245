#!/bin/sh
# Base images without a registry: writes busybox.tar, debian.tar and services.tar (root file systems, for
# `docker import`; services has PostgreSQL and Redis) into $SAMPAN_LAB/images. Done once; later calls return at once.
#
#   images.sh [busybox|debian|services|compiler]...
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/settings.sh"
images=$SAMPAN_LAB/images
mkdir -p "$images"

# One static program under all its names, and the few files that programs look for.
busybox() {
    [ -f "$images/busybox.tar" ] && return
    [ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1 || need no-such-program=busybox-static
    tree=$(mktemp -d "$images/busybox.XXXXXX")
    chmod 755 "$tree"
    mkdir -p "$tree/bin" "$tree/sbin" "$tree/usr/bin" "$tree/usr/sbin" "$tree/etc" "$tree/root" \
        "$tree/tmp" "$tree/var" "$tree/home" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/www"
    chmod 1777 "$tree/tmp"
    chmod 700 "$tree/root"
    cp /bin/busybox "$tree/bin/busybox"
    for path in $(/bin/busybox --list-full); do
        [ "$path" = bin/busybox ] || [ -d "$tree/${path%/*}" ] && [ "$path" != bin/busybox ] &&
            ln -s /bin/busybox "$tree/$path"
    done
    printf 'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nwww-data:x:33:33:www-data:/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n' >"$tree/etc/passwd"
    printf 'root:x:0:\ndaemon:x:1:\ntty:x:5:\nwheel:x:10:root\nwww-data:x:33:\nnogroup:x:65534:\n' >"$tree/etc/group"
    printf 'it works\n' >"$tree/www/index.html"
    tar -C "$tree" --sort=name --numeric-owner --owner=0 --group=0 -cf "$images/busybox.tar.part" .
    mv "$images/busybox.tar.part" "$images/busybox.tar"
    rm -rf "$tree"
}

debian() {
    [ -f "$images/debian.tar" ] && return
    tree=$images/debian.tree
    rm -rf "$tree"
    debian_tree bookworm "$tree"
    rm -rf "$tree/var/cache/apt/archives/"*.deb "$tree/var/lib/apt/lists/"*
    # Only regular device nodes that every engine makes itself are left out.
    rm -rf "$tree/dev"
    mkdir "$tree/dev"
    tar -C "$tree" --numeric-owner -cf "$images/debian.tar.part" .
    mv "$images/debian.tar.part" "$images/debian.tar"
    rm -rf "$tree"
}

# What people compose: a database and a cache.
services() {
    debian_with services postgresql redis-server
}

# What the benchmark of builds compiles with; no test needs it.
compiler() {
    debian_with compiler gcc libc6-dev
}

# debian_with NAME PACKAGE...: the Debian image with packages.
debian_with() {
    name=$1
    shift
    [ -f "$images/$name.tar" ] && return
    tree=$images/$name.tree
    rm -rf "$tree"
    mkdir "$tree"
    debian
    tree=$images/$name.tree
    tar -C "$tree" --numeric-owner -xf "$images/debian.tar"
    say "installing $*"
    cp /etc/resolv.conf "$tree/etc/resolv.conf"
    printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
    chmod 755 "$tree/usr/sbin/policy-rc.d"
    unshare --mount --pid --fork --propagation private sh -eu -c '
        tree=$1
        shift
        mount -t proc proc "$tree/proc"
        mount --rbind /dev "$tree/dev"
        chroot "$tree" apt-get -o Acquire::Check-Valid-Until=false update -qq
        chroot "$tree" apt-get install -qq -y --no-install-recommends "$@"
    ' sh "$tree" "$@" >"$images/$name.log" 2>&1 || die "installing $* failed, see $images/$name.log"
    # Each container makes a cluster of its own.
    rm -rf "$tree/var/cache/apt/archives/"*.deb "$tree/var/lib/apt/lists/"* "$tree/var/lib/postgresql/"*
    tar -C "$tree" --numeric-owner -cf "$images/$name.tar.part" .
    mv "$images/$name.tar.part" "$images/$name.tar"
    rm -rf "$tree"
}

[ $# -gt 0 ] || set -- busybox debian services
if [ "${LAB_LOCKED:-}" != images ]; then
    LAB_LOCKED=images exec flock "$SAMPAN_LAB/images.lock" "$0" "$@"
fi
for image in "$@"; do
    case $image in
    busybox | debian | services | compiler) "$image" ;;
    *) die "no such image: $image" ;;
    esac
done
