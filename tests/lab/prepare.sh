#!/bin/sh
# Brings what the tests need onto this machine; what is there already costs nothing.
#
#   prepare.sh programs   Debian packages that tests run, and the stock docker command line
#   prepare.sh peers      base images, the real dockerd, the virtual machine, Docker Compose, who judges what is sent to
#                         clouds and clusters (some minutes, once)
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/settings.sh"

# The stock command line only: unpacked, not installed, so that no dockerd starts on this machine.
docker_cli() {
    command -v docker >/dev/null && return
    [ -x "$SAMPAN_LAB/bin/docker" ] && return
    say "unpacking the docker command line"
    work=$(mktemp -d "$SAMPAN_LAB/docker-cli.XXXXXX")
    for package in docker-cli docker.io; do
        (cd "$work" && apt-get download -qq "$package" && dpkg -x ./*.deb tree) 2>/dev/null || continue
        [ -x "$work/tree/usr/bin/docker" ] && break
        rm -rf "$work"/*
    done
    [ -x "$work/tree/usr/bin/docker" ] || die "found no package with the docker command line"
    mkdir -p "$SAMPAN_LAB/bin"
    mv "$work/tree/usr/bin/docker" "$SAMPAN_LAB/bin/docker"
    rm -rf "$work"
}

case ${1:-} in
programs)
    need cc=gcc c++=g++ ip=iproute2 nft=nftables iptables=iptables curl=curl unshare=util-linux ps=procps \
        busybox=busybox-static debootstrap=debootstrap slirp4netns=slirp4netns runc=runc \
        mkfs.btrfs=btrfs-progs mkfs.xfs=xfsprogs script=bsdutils python3=python3 xz=xz-utils \
        skopeo=skopeo docker-registry=docker-registry openssl=openssl zstd=zstd ssh=openssh-client \
        dnsmasq=dnsmasq-base restic=restic
    docker_cli
    ;;
peers)
    "$here/images.sh"
    "$here/dockerd.sh" prepare
    "$here/vm.sh" prepare
    "$here/compose.sh"
    "$here/moto.sh" prepare
    "$here/kubernetes.sh" prepare
    ;;
*) die "say programs or peers" ;;
esac
