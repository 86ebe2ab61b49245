#!/bin/sh
# Docker Compose of both generations: version 2 and buildx as plugins of the stock command line, unpacked from the
# Debian release that has them into $SAMPAN_LAB/plugins; version 1 as Debian's package.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/settings.sh"
suite=trixie
plugins=$SAMPAN_LAB/plugins

need docker-compose=docker-compose
if [ "${LAB_LOCKED:-}" != compose ]; then
    LAB_LOCKED=compose exec flock "$SAMPAN_LAB/compose.lock" "$0" "$@"
fi
[ -x "$plugins/docker-compose" ] && [ -x "$plugins/docker-buildx" ] && exit
say "unpacking Docker Compose and buildx of Debian $suite"
work=$(mktemp -d "$SAMPAN_LAB/compose.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] $(debian_mirror) $suite main" >"$work/sources.list"
apt_there() {
    apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root "$@"
}
apt_there update || die "apt-get update for $suite failed"
cd "$work"
apt_there download docker-compose docker-buildx || die "Debian $suite has no Docker Compose for this machine"
for package in ./*.deb; do dpkg -x "$package" tree; done
mkdir -p "$plugins"
for plugin in docker-compose docker-buildx; do
    found=$(find tree -name "$plugin" -type f -perm -u+x | head -n 1)
    [ -n "$found" ] || die "the package has no $plugin"
    mv "$found" "$plugins/$plugin"
done
