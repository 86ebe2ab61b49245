#!/bin/sh
# Moto, the stand-in for AWS that the Python world tests with, and boto3 and botocore, whose models of AWS tell whether
# a request is well formed: in a virtual environment of their own below $SAMPAN_LAB/moto.
#
#   moto.sh prepare   make it (about a minute, once)
#   moto.sh path      print where the environment is
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/settings.sh"
tree=$SAMPAN_LAB/moto
wanted='moto[server]==5.2.5 boto3==1.44.8 botocore==1.44.8'

prepare() {
    [ "$(cat "$tree/wanted" 2>/dev/null)" = "$wanted" ] && return
    if [ "${LAB_LOCKED:-}" != moto ]; then
        LAB_LOCKED=moto flock "$SAMPAN_LAB/moto.lock" "$0" prepare
        return
    fi
    need python3=python3
    python3 -c 'import ensurepip' 2>/dev/null || need no-such-program=python3-venv
    rm -rf "$tree"
    say "installing moto"
    python3 -m venv "$tree" >"$SAMPAN_LAB/moto.log" 2>&1 || die "python3 -m venv failed, see $SAMPAN_LAB/moto.log"
    # shellcheck disable=SC2086 # the list is split on purpose
    "$tree/bin/pip" install --quiet --disable-pip-version-check $wanted >>"$SAMPAN_LAB/moto.log" 2>&1 ||
        die "installing moto failed, see $SAMPAN_LAB/moto.log"
    printf '%s' "$wanted" >"$tree/wanted"
}

case ${1:-} in
prepare) prepare ;;
path) printf '%s\n' "$tree" ;;
*) die "say prepare or path" ;;
esac
