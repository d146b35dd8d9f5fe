#!/usr/bin/env bash
# setup.sh: makes a Debian 12 machine ready to build, test and run vsnctl: installs
# what is missing, starts libvirt where it does not run, and sees that qemu can open
# /dev/kvm and the demo guest. What is there already is left alone; the second run
# changes nothing and does not ask the network.
#
# Needs root only where something is to be changed. Works with and without systemd.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
uri=qemu:///system
qemu_user=libvirt-qemu # whom Debian's libvirt runs qemu as (qemu.conf, user)
changes=()

packages=(
	ca-certificates              # go and apt fetch over https
	gcc libc6-dev pkg-config     # cgo, in the bindings of libvirt
	libvirt-dev                  # plain `go vet ./...`, without the tag libvirt_dlopen
	libvirt-daemon-system        # libvirtd, virtlogd, the user that qemu runs as
	libvirt-daemon-driver-qemu
	libvirt-clients              # virsh
	qemu-system-x86 qemu-utils   # the machine; qemu-img for overlays
	iproute2 cpio
	coinor-cbc                   # a second opinion on plans, in tests
)

say() { echo "setup.sh: $*"; }
die() { echo "setup.sh: $*" >&2; exit 1; }
need_root() { [ "$(id -u)" = 0 ] || die "must $1: run it as root"; }
has_systemd() { [ -d /run/systemd/system ]; }
answers() { virsh -q -c $uri version >/dev/null 2>&1; }

# install PACKAGE...: those of them that are missing.
install() {
	local missing=() p
	for p in "$@"; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	need_root "install ${missing[*]}"
	say "installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	local log # of interest only when it fails: maintainer scripts chatter
	log=$({ apt-get -qq update && apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends install "${missing[@]}"; } 2>&1) ||
		die "apt-get cannot install ${missing[*]}:"$'\n'"$log"
	changes+=("installed ${missing[*]}")
}

# daemon NAME: starts it as a process of its own. It must not keep what this shell was
# given, such as a lock of flock(1) or the job server's pipe of make: the holder would
# then never seem to end.
daemon() {
	(
		cd /
		for fd in /proc/self/fd/*; do
			fd=${fd##*/}
			[ "$fd" -le 2 ] || eval "exec $fd>&-"
		done
		exec env -i PATH="$PATH" "$1" -d </dev/null >/dev/null 2>&1
	) || die "$1 does not start: see what '$1 -v' says"
}

# running NAME: by the pid file; a process of that name may be another container's.
running() {
	local pid
	pid=$(cat "/run/$1.pid" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ]
}

start_libvirt() {
	answers && return
	need_root "start libvirt"
	if has_systemd; then
		systemctl start libvirtd.service
		changes+=("started libvirtd.service")
	else
		mkdir -p /run/libvirt
		# qemu writes the consoles through virtlogd, which libvirtd does not start itself.
		for name in virtlogd libvirtd; do
			running $name && continue
			daemon $name
			changes+=("started $name")
		done
	fi
	# 30 s: the first start makes keys and looks through every qemu.
	for _ in $(seq 150); do
		answers && return
		sleep 0.2
	done
	virsh -c $uri version || die "libvirt does not answer at $uri: see /var/log/libvirt and 'libvirtd -v'"
}

# as_qemu TEST FILE: whether qemu's user passes the test.
as_qemu() { setpriv --reuid "$qemu_user" --regid "$(id -g "$qemu_user")" --init-groups test "$@"; }

# Where no udev runs, /dev/kvm is root's alone. Debian gives it to the group kvm
# (udev, 50-udev-default.rules), of which qemu's user is a member. No /dev/kvm is fine:
# guests are then emulated.
open_kvm() {
	[ -e /dev/kvm ] || return 0
	as_qemu -r /dev/kvm && as_qemu -w /dev/kvm && return
	chgrp kvm /dev/kvm
	chmod g+rw /dev/kvm
	changes+=("gave /dev/kvm to the group kvm")
}

# qemu opens the guest's kernel as its own user. libvirt gives it the files, never the
# way to them: a checkout below a home or a mktemp folder of mode 0700 cannot be reached.
# So each folder on the way that is shut gets one ACL entry: search, for that user, and
# nothing else. virt-install does the same. The alternatives are worse: qemu as root is
# less safe for every guest of the machine, and a copy elsewhere, linked to, is still
# found by way of the shut folder.
open_way() {
	local folder=$root/examples way=() shut=()
	while [ "$folder" != / ]; do
		way=("$folder" "${way[@]}")
		folder=$(dirname "$folder")
	done
	for folder in "${way[@]}"; do
		as_qemu -x "$folder" && continue
		install acl
		setfacl -m "u:$qemu_user:--x" "$folder" ||
			die "$folder takes no ACL: 'chmod o+x $folder', or put the checkout where others may go, such as /srv"
		shut+=("$folder")
	done
	[ ${#shut[@]} -eq 0 ] || changes+=("let $qemu_user pass through ${shut[*]} (back: setfacl -x u:$qemu_user ${shut[*]})")
}

[ -e /etc/debian_version ] || die "installs Debian's packages only: install these yourself: ${packages[*]}"
install "${packages[@]}"
start_libvirt
if [ "$(id -u)" = 0 ]; then # another user can neither ask nor change this
	open_kvm
	open_way
fi
if [ ${#changes[@]} -eq 0 ]; then
	say "nothing to do: $(virsh -c $uri version | awk '/library/ {library = $NF} /hypervisor/ {qemu = $NF} END {print "libvirt " library ", qemu " qemu}')"
else
	printf 'setup.sh: %s\n' "${changes[@]}"
	say "done: $uri answers"
fi
