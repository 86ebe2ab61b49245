#!/bin/sh
# Who judges what is sent to a cluster: kubectl, and the client of Kubernetes for Python in a virtual environment of its own
# below $SAMPAN_LAB/kubernetes; and podman, which runs manifests.
#
#   kubernetes.sh prepare   bring them (about a minute, once)
#   kubernetes.sh path      print where the environment is
#   kubernetes.sh podman DIR WORDS…
#                           run podman with everything of its own below DIR, in mounts of its own
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/settings.sh"
tree=$SAMPAN_LAB/kubernetes
wanted='kubernetes==37.0.2'

prepare() {
    need kubectl=kubernetes-client podman=podman catatonit=catatonit runc=runc python3=python3
    [ "$(cat "$tree/wanted" 2>/dev/null)" = "$wanted" ] && return
    if [ "${LAB_LOCKED:-}" != kubernetes ]; then
        LAB_LOCKED=kubernetes flock "$SAMPAN_LAB/kubernetes.lock" "$0" prepare
        return
    fi
    python3 -c 'import ensurepip' 2>/dev/null || need no-such-program=python3-venv
    rm -rf "$tree"
    say "installing the client of Kubernetes for Python"
    python3 -m venv "$tree" >"$SAMPAN_LAB/kubernetes.log" 2>&1 ||
        die "python3 -m venv failed, see $SAMPAN_LAB/kubernetes.log"
    "$tree/bin/pip" install --quiet --disable-pip-version-check "$wanted" >>"$SAMPAN_LAB/kubernetes.log" 2>&1 ||
        die "installing the client failed, see $SAMPAN_LAB/kubernetes.log"
    printf '%s' "$wanted" >"$tree/wanted"
}

# Podman's usual limits are above what some machines may set, and its usual runtime refuses some cgroup trees.
run_podman() {
    dir=$1
    shift
    mkdir -p "$dir"
    printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n' >"$dir/containers.conf"
    printf '{"default":[{"type":"insecureAcceptAnything"}]}\n' >"$dir/policy.json"
    CONTAINERS_CONF=$dir/containers.conf exec podman --root "$dir/root" --runroot "$dir/run" --tmpdir "$dir/tmp" \
        --storage-driver vfs --runtime "$(command -v runc)" --cgroup-manager cgroupfs --events-backend none "$@"
}

case ${1:-} in
prepare) prepare ;;
path) printf '%s\n' "$tree" ;;
podman)
    shift
    run_podman "$@"
    ;;
*) die "say prepare, path or podman" ;;
esac
