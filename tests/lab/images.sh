#!/bin/sh
# Base images without a registry: writes busybox.tar and debian.tar (root file systems, for
# `docker import`) into $SAMPAN_LAB/images. Done once; later calls return at once.
#
#   images.sh [busybox|debian]...
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

[ $# -gt 0 ] || set -- busybox debian
if [ "${LAB_LOCKED:-}" != images ]; then
    LAB_LOCKED=images exec flock "$SAMPAN_LAB/images.lock" "$0" "$@"
fi
for image in "$@"; do
    case $image in
    busybox | debian) "$image" ;;
    *) die "no such image: $image" ;;
    esac
done
