#!/usr/bin/env bash
# machine.sh BASE SOURCE PROGRAM: becomes a small machine with systemd as its first process, in the namespaces that it was
# started in. The root is this machine's, as an overlay that is forgotten; the network is a loopback interface.
set -euo pipefail

base=$1 source=$2 program=$3
mount --make-rprivate /
ip link set lo up
mount -t tmpfs tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/root"
cd "$base/root"

# A checkout whose build is the program under test; the real one is not touched.
mkdir -p srv/checkout/build/release
cp "$program" srv/checkout/build/release/mcp-local-provider
cp -r "$source"/{deploy,docs,config} srv/checkout

mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
# What is the kernel's belongs to the real machine.
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
    touch "dev/$node"
    mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
# Nothing of the real machine starts here but the journal.
rm -rf etc/systemd/system
mkdir etc/systemd/system
for wanted in {sysinit,local-fs,multi-user,timers,graphical}.target; do
    for folder in usr/lib/systemd/system lib/systemd/system; do
        ! [ -d "$folder/$wanted.wants" ] || rm -rf "${folder:?}/$wanted.wants"
    done
done
mkdir -p mnt
pivot_root . mnt
cd /
umount -l /mnt
# As a container's engine leaves it: credentials come to a service through a mount that must spread.
mount --make-rshared /
export container=other
exec /lib/systemd/systemd --unit=multi-user.target --log-target=journal --show-status=0
