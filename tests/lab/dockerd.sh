#!/bin/sh
# The newest Docker that Debian has, as a peer: unpacked into a tree of its own, run in a
# mount namespace and a network namespace of its own, so that it meets nothing of this machine.
#
#   dockerd.sh prepare              unpack it (about two minutes, once)
#   dockerd.sh start DIR [OPTION]…  start one with its data, log and socket (DIR/docker.sock) below DIR
#   dockerd.sh run DIR [OPTION]…    the same in the foreground, in the network namespace of the caller
#   dockerd.sh stop DIR             end it, its containers and its namespaces
#   dockerd.sh version              print the version that is unpacked
#
# LAB_NETNS   for `start`: a network namespace (by `ip netns` name) to join instead of a new one
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/settings.sh"
tree=$SAMPAN_LAB/sid

prepare() {
    [ -x "$tree/usr/sbin/dockerd" ] && return
    if [ "${LAB_LOCKED:-}" != sid ]; then
        LAB_LOCKED=sid flock "$SAMPAN_LAB/sid.lock" "$0" prepare
        return
    fi
    need unshare=util-linux ip=iproute2
    work=$SAMPAN_LAB/sid.new
    rm -rf "$work"
    debian_tree sid "$work"
    cp /etc/resolv.conf "$work/etc/resolv.conf"
    printf '#!/bin/sh\nexit 101\n' >"$work/usr/sbin/policy-rc.d"
    chmod 755 "$work/usr/sbin/policy-rc.d"
    say "installing docker.io from sid"
    unshare --mount --pid --fork --propagation private sh -eu -c '
        mount -t proc proc "$1/proc"
        # sid is a moving target and a mirror may lag: an old list is as good as any.
        chroot "$1" apt-get -o Acquire::Check-Valid-Until=false update -qq
        chroot "$1" apt-get install -qq -y --no-install-recommends docker.io iproute2 procps
    ' sh "$work" >"$SAMPAN_LAB/sid.install.log" 2>&1 ||
        die "installing docker.io failed, see $SAMPAN_LAB/sid.install.log"
    rm -rf "$work/var/cache/apt/archives/"*.deb
    mv "$work" "$tree"
}

# What happens in the mount namespace: tree, folder, options of dockerd.
inside='
    tree=$1 dir=$2
    shift 2
    ip link set lo up
    # The tree is shared by every dockerd of the lab: what one writes goes to an overlay of its own.
    mkdir -p "$dir/data" "$dir/exec" "$dir/tree.upper" "$dir/tree.work" "$dir/tree"
    mount -t overlay overlay -o "lowerdir=$tree,upperdir=$dir/tree.upper,workdir=$dir/tree.work" "$dir/tree"
    root=$dir/tree
    mount -t proc proc "$root/proc"
    # A sysfs that belongs to this network namespace, with the cgroups of the machine in it.
    mount -t sysfs sysfs "$root/sys"
    mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/run"
    mkdir -p "$root$dir"
    mount --bind "$dir" "$root$dir"
    mount --bind "$dir/data" "$root$dir/data"
    echo $$ >"$dir/pid"
    # Not chroot alone: a process that enters a container later starts at the root of the namespace of
    # mounts, and that must be the tree and not the machine.
    mkdir -p "$root/.machine"
    cd "$root"
    pivot_root . .machine
    umount -l .machine
    # As systemd has it on most machines.
    chroot . mount --make-rshared /
    exec chroot . dockerd --data-root "$dir/data" --exec-root "$dir/exec" \
        -H "unix://$dir/docker.sock" --pidfile "$dir/dockerd.pid" "$@"
'

# Waits (at most ten seconds) for a socket to answer.
answers() {
    for _ in $(seq 100); do
        curl -s --max-time 2 --unix-socket "$1" http://docker/_ping >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    return 1
}

start() {
    [ $# -gt 0 ] || die "start needs a folder"
    mkdir -p "$1"
    dir=$(readlink -f "$1")
    shift
    prepare
    need curl=curl unshare=util-linux ip=iproute2
    if [ -n "${LAB_NETNS:-}" ]; then
        set -- "$LAB_NETNS" "$tree" "$dir" "$@"
        runner="ip netns exec"
    else
        set -- "" "$tree" "$dir" "$@"
        runner="unshare --net --"
    fi
    netns=$1
    shift
    # shellcheck disable=SC2086 # the runner is split on purpose
    setsid $runner $netns unshare --mount --propagation private sh -eu -c "$inside" sh "$@" \
        >"$dir/log" 2>&1 </dev/null &
    answers "$dir/docker.sock" || die "dockerd did not answer, see $dir/log"
    say "dockerd answers at unix://$dir/docker.sock"
}

run() {
    [ $# -gt 0 ] || die "run needs a folder"
    mkdir -p "$1"
    dir=$(readlink -f "$1")
    shift
    prepare
    exec unshare --mount --propagation private sh -eu -c "$inside" sh "$tree" "$dir" "$@"
}

stop() {
    [ $# -eq 1 ] && [ -f "$1/pid" ] || die "no dockerd was started in ${1:-(no folder given)}"
    dir=$(readlink -f "$1")
    pid=$(cat "$dir/pid")
    if [ -d "/proc/$pid" ]; then
        # Containers end with it (no live-restore); the mount namespace goes with its last process.
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 300); do
            [ -d "/proc/$pid" ] || break
            sleep 0.1
        done
        [ -d "/proc/$pid" ] && kill -KILL "$pid"
    fi
    rm -f "$dir/pid"
}

action=${1:-}
[ $# -gt 0 ] && shift
case $action in
prepare) prepare ;;
start) start "$@" ;;
run) run "$@" ;;
stop) stop "$@" ;;
version) prepare; chroot "$tree" dockerd --version ;;
*) die "say prepare, start DIR, run DIR, stop DIR or version" ;;
esac
