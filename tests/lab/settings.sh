# Sourced by the lab's scripts: where things are kept, and where Debian comes from.
#
# SAMPAN_LAB   the cache folder, outside the clone and safe to delete (default /var/cache/sampan-lab);
#              not below /tmp or /run, which the virtual machine covers
#
# Nothing here names a package host: the machine's own apt configuration does.

SAMPAN_LAB=${SAMPAN_LAB:-/var/cache/sampan-lab}
export SAMPAN_LAB
export DEBIAN_FRONTEND=noninteractive

say() { printf 'lab: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

[ "$(id -u)" = 0 ] || die "the lab needs root: run the same command with sudo"
mkdir -p "$SAMPAN_LAB"

# Installs Debian packages that are missing, each given as PROGRAM=PACKAGE.
need() {
    missing=
    for pair in "$@"; do
        PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%=*}" >/dev/null 2>&1 || missing="$missing ${pair#*=}"
    done
    [ -z "$missing" ] && return 0
    command -v apt-get >/dev/null || die "please install:$missing (no apt-get on this machine)"
    say "installing$missing"
    # shellcheck disable=SC2086 # the list is split on purpose
    apt-get install -qq -y --no-install-recommends $missing >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -qq -y --no-install-recommends $missing >/dev/null; } ||
        die "could not install:$missing"
}

# Prints the address of the Debian archive that this machine uses.
debian_mirror() {
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' |
        sed -n 's/ Debian$//p' | head -n 1)
    if [ -z "$mirror" ]; then
        apt-get update -qq || die "apt-get update failed"
        mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' |
            sed -n 's/ Debian$//p' | head -n 1)
    fi
    [ -n "$mirror" ] || die "found no Debian archive in this machine's apt configuration"
    printf '%s\n' "$mirror"
}

# Runs a command while holding a lock of its own name, so that two preparations never meet.
locked() {
    name=$1
    shift
    flock "$SAMPAN_LAB/$name.lock" "$@"
}

# Makes a Debian tree in a folder: suite, folder. Interrupted work leaves nothing that looks finished.
debian_tree() {
    local suite=$1 tree=$2
    need debootstrap=debootstrap
    rm -rf "$tree.part"
    say "unpacking Debian $suite"
    debootstrap --variant=minbase "$suite" "$tree.part" "$(debian_mirror)" >"$tree.log" 2>&1 ||
        die "debootstrap of $suite failed, see $tree.log"
    # HTTPS to the package sources needs the authorities that the host trusts.
    mkdir -p "$tree.part/etc/ssl/certs"
    if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
        cp /etc/ssl/certs/ca-certificates.crt "$tree.part/etc/ssl/certs/"
    fi
    mv "$tree.part" "$tree"
}
