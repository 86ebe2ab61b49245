//! The shell script that turns a bare process into a machine, and what it sets up.

/// Runs as the first process of a host's namespaces, with three words: the host's own folder, the
/// propagation of its mounts, and `world` or `none`. It ends, and the host with it, when its standard
/// input does. The first line of `ready` is the pid, inside the host, of a process in the network
/// namespace that plays the outside world (0 when there is none).
///
/// The uplink is a veth pair with an MTU that is not 1500, as many clouds have, between 192.0.2.10 here
/// and 192.0.2.1 there (addresses reserved for documentation, RFC 5737; 2001:db8::/32 is RFC 3849's).
pub(crate) const FIRST_PROCESS: &str = r#"
set -eu
folder=$1 propagation=$2 world=$3
exec 3<&0
mount --make-rprivate /
mount -t proc proc /proc
mkdir -p "$folder/cgroup"
mount --rbind /sys/fs/cgroup "$folder/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$folder/cgroup" /sys/fs/cgroup
umount -l "$folder/cgroup"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock
[ -d /var/run ] && [ ! -L /var/run ] && mount --bind /run /var/run
mount "--make-r$propagation" /
ip link set lo up
outside=0
if [ "$world" = world ]; then
    unshare --net sh -c 'echo >"$1/world"; exec cat <&3 >/dev/null' sh "$folder" &
    outside=$!
    while [ ! -s "$folder/world" ]; do sleep 0.01; done
    ip link add uplink0 mtu 1400 type veth peer name world0 mtu 1400 netns "$outside"
    ip address add 192.0.2.10/24 dev uplink0
    ip address add 2001:db8::10/64 dev uplink0 nodad
    ip link set uplink0 up
    nsenter --target "$outside" --net sh -eu -c '
        ip link set lo up
        ip address add 192.0.2.1/24 dev world0
        ip address add 2001:db8::1/64 dev world0 nodad
        ip link set world0 up'
    ip route add default via 192.0.2.1
    ip -6 route add default via 2001:db8::1
fi
echo "$outside" >"$folder/ready.part"
mv "$folder/ready.part" "$folder/ready"
cat <&3 >/dev/null &
wait $!
"#;
