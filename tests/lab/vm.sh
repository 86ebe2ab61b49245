#!/bin/sh
# Runs a command on another kernel: Debian's, in an emulated machine (no KVM needed), where all
# cgroup controllers are on version 2 and AppArmor is active. The command sees this machine's files
# (programs, the clone, the built binaries) under its own changes, which are gone afterwards; /tmp,
# /run and /var/lib/sampan are empty and in memory. It is root, the working directory is kept, and its
# output and exit code come back. Boot to command: about ten seconds. For correctness, never for timing.
#
#   vm.sh COMMAND [ARGUMENT]…
#   vm.sh prepare              only unpack the kernel and build the first file system
#
# LAB_VM_SECONDS   end the machine after so many seconds (default 900; exit code 124)
# LAB_VM_MEMORY    its memory in MiB (default 3072)
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/settings.sh"
home=$SAMPAN_LAB/vm

# Needed before the shared root can be mounted; all others are loaded from it.
boot_modules="virtio_pci 9pnet_virtio 9p overlay"
# Loaded before the command, so that a program without modprobe finds them.
run_modules="veth bridge br_netfilter nf_tables nft_chain_nat nft_nat nft_masq nft_ct nft_fib_inet
    nft_reject_inet nft_redir nf_conntrack_netlink xt_conntrack xt_MASQUERADE nft_compat tun loop
    dummy macvlan vxlan xfs dm_thin_pool"

prepare() {
    [ -f "$home/initrd" ] && return
    if [ "${LAB_LOCKED:-}" != vm ]; then
        LAB_LOCKED=vm flock "$SAMPAN_LAB/vm.lock" "$0" prepare
        return
    fi
    need qemu-system-x86_64=qemu-system-x86 cpio=cpio modprobe=kmod busybox=busybox-static
    rm -rf "$home.part"
    mkdir -p "$home.part/kernel" "$home.part/initramfs"
    package=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
    [ -n "$package" ] || die "apt knows no linux-image-amd64: run apt-get update"
    say "unpacking $package"
    (cd "$home.part" && apt-get download -qq "$package" && dpkg -x ./*.deb kernel && rm ./*.deb) ||
        die "could not download $package"
    version=$(ls "$home.part/kernel/lib/modules")
    depmod -b "$home.part/kernel" "$version"

    fs=$home.part/initramfs
    mkdir -p "$fs/bin" "$fs/proc" "$fs/sys" "$fs/dev" "$fs/lower" "$fs/memory" "$fs/root" "$fs/modules"
    cp "$(command -v busybox)" "$fs/bin/busybox"
    ln -s busybox "$fs/bin/sh"
    for module in $boot_modules; do
        modprobe -d "$home.part/kernel" -S "$version" --show-depends "$module" | sed -n 's/^insmod //p'
    done | awk '!seen[$1]++ { print $1 }' | while read -r file; do
        cp "$file" "$fs/modules/"
        basename "$file" >>"$fs/modules/order"
    done
    cat >"$fs/init" <<'INIT'
#!/bin/sh
export PATH=/bin
alias b=/bin/busybox
b mount -t proc proc /proc
b mount -t sysfs sysfs /sys
b mount -t devtmpfs devtmpfs /dev
while read -r module; do b insmod "/modules/$module"; done </modules/order
b mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro host /lower
b mount -t tmpfs -o size=75% memory /memory
b mkdir /memory/upper /memory/work
b mount -t overlay -o lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work overlay /root
for place in /proc /sys /dev; do b mount --move "$place" "/root$place"; done
for word in $(b cat /root/proc/cmdline); do
    case $word in lab=*) lab=${word#lab=} ;; esac
done
exec /bin/busybox switch_root /root /bin/sh "$lab/start"
INIT
    chmod 755 "$fs/init"
    (cd "$fs" && find . | cpio --quiet -o -H newc | gzip -1) >"$home.part/initrd"
    printf '%s\n' "$version" >"$home.part/version"
    rm -rf "$home"
    mv "$home.part" "$home"
}

# Prints a word so that a shell reads it back as it was.
quoted() { printf "'%s' " "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

prepare
[ "${1:-}" = prepare ] && exit 0
[ $# -gt 0 ] || die "vm.sh needs a command"

session=$(mktemp -d "$SAMPAN_LAB/vm-session.XXXXXX")
trap 'rm -rf "$session"' EXIT
mkdir "$session/result"
version=$(cat "$home/version")
{
    printf 'lab=%s version=%s\n' "$session" "$version"
    cat <<'START'
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ln -s "$(dirname "$lab")/vm/kernel/lib/modules/$version" "/lib/modules/$version" 2>/dev/null ||
    { mkdir -p /lib/modules && ln -s "$(dirname "$lab")/vm/kernel/lib/modules/$version" "/lib/modules/$version"; }
mkdir -p /result /var/lib/sampan
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib/sampan
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=none result /result
echo '+cpuset +cpu +io +memory +pids' >/sys/fs/cgroup/cgroup.subtree_control
for module in $modules; do modprobe "$module" 2>/dev/null || echo "no module $module" >/dev/ttyS1; done
ip link set lo up
# Our own process leaves the root cgroup, as systemd would have arranged it.
mkdir /sys/fs/cgroup/lab && echo $$ >/sys/fs/cgroup/lab/cgroup.procs
ulimit -n 20000
stty -F /dev/ttyS0 raw -echo
setsid sh "$lab/command" </dev/null >/dev/ttyS0 2>&1
echo $? >/result/code
sync
echo o >/proc/sysrq-trigger
sleep 60
START
} | sed "2i modules=\"$(echo $run_modules)\"" >"$session/start"
{
    printf 'cd %s 2>/dev/null || cd /\n' "$(quoted "$PWD")"
    env | sed -n 's/^\(SAMPAN_[A-Z0-9_]*\|CARGO_[A-Z0-9_]*\|RUST_[A-Z0-9_]*\|PATH\|HOME\)=.*/\1/p' | while read -r name; do
        printf 'export %s=%s\n' "$name" "$(quoted "$(printenv "$name")")"
    done
    printf 'exec '
    for word in "$@"; do quoted "$word"; done
    printf '\n'
} >"$session/command"

set +e
timeout -k 5 "${LAB_VM_SECONDS:-900}" qemu-system-x86_64 \
    -accel tcg,thread=multi -cpu max -smp 2 -m "${LAB_VM_MEMORY:-3072}" -nodefaults -no-reboot \
    -display none -serial stdio -serial "file:$session/console" \
    -kernel "$home/kernel/boot/vmlinuz-$version" -initrd "$home/initrd" \
    -append "console=ttyS1 quiet panic=1 cgroup_no_v1=all lab=$session" \
    -virtfs local,path=/,mount_tag=host,security_model=passthrough,readonly=on,multidevs=remap \
    -virtfs "local,path=$session/result,mount_tag=result,security_model=none" </dev/null
ended=$?
set -e
[ "$ended" = 124 ] && die_code=124
if [ ! -f "$session/result/code" ]; then
    tail -n 20 "$session/console" >&2
    say "the machine ended before the command did"
    exit "${die_code:-125}"
fi
exit "$(cat "$session/result/code")"
