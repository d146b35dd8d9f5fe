#!/usr/bin/env bash
# guest.sh [OUT]: builds the demo guest, OUT/vmlinuz and OUT/initrd.gz (examples/guest
# when OUT is not given): Debian's cloud kernel, its virtio modules, busybox, and
# cmd/vsn-guest, with guest-init as the first process.
#
# Needs make, go, cpio and Debian's apt-get; not root, unless apt has no package lists
# yet. Does nothing when the inputs are those of the last time. The downloaded packages
# stay in build/deb, so that only the first build needs a network.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${1:-$root/examples/guest}
packages=$root/build/deb

say() { echo "guest.sh: $*"; }
die() { echo "guest.sh: $*" >&2; exit 1; }

# In the order of loading: each stands on those before it. There is no modprobe in the
# guest, which would want 100 kB more and the tables of depmod.
modules=(
	drivers/virtio/virtio_ring
	drivers/virtio/virtio
	drivers/virtio/virtio_pci_legacy_dev
	drivers/virtio/virtio_pci_modern_dev
	drivers/virtio/virtio_pci
	net/core/failover
	drivers/net/net_failover
	drivers/net/virtio_net
)
applets=(cat cut insmod ip mount nproc renice sh sleep) # that guest-init calls

# package PATTERN QUERY: the path of a package that matches PATTERN, downloaded once.
# QUERY prints its name; it is asked again after an update of apt's lists, since the
# name of a kernel package changes with its version.
package() {
	local found name into
	found=$(compgen -G "$packages/$1" | sort -V | tail -1) && { echo "$found"; return; }
	into=$(mktemp -d "$packages/fetch.XXXXXX")
	if ! { name=$($2) && fetch "$name" "$into"; }; then
		[ "$(id -u)" = 0 ] || die "apt-get download of $1 failed: run 'apt-get update' as root, then this again"
		apt-get -qq update >&2
		if ! { name=$($2) && fetch "$name" "$into"; }; then
			die "apt-get download of $1 failed: is deb.debian.org or a mirror of it reachable?"
		fi
	fi
	mv "$into"/*.deb "$packages/"
	rmdir "$into"
	compgen -G "$packages/$1" | sort -V | tail -1
}

# apt drops to the user _apt, who need not have access to a checkout: as root it only
# warns of that, so do what it does in the end.
fetch() { (cd "$2" && apt-get -qq -o APT::Sandbox::User=root download "$1" >&2); }

kernel_package() { # the cloud kernel is a metapackage that depends on the newest
	apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '$1 == "Depends:" && !done {print $2; done = 1} END {exit !done}'
}
busybox_package() { echo busybox-static; }

build() {
	local kernel_deb busybox_deb tree source
	kernel_deb=$(package 'linux-image-*-cloud-amd64_*.deb' kernel_package)
	busybox_deb=$(package 'busybox-static_*.deb' busybox_package)
	dpkg-deb --fsys-tarfile "$kernel_deb" | tar -x -C "$work" --wildcards './boot/vmlinuz-*' './lib/modules/*'
	dpkg-deb --fsys-tarfile "$busybox_deb" | tar -x -C "$work" ./bin/busybox

	tree=$work/tree
	mkdir -p "$tree"/{bin,dev,modules,proc,sys}
	install -m 755 "$work/bin/busybox" "$root/bin/vsn-guest" "$tree/bin/"
	install -m 755 "$here/guest-init" "$tree/init"
	for applet in "${applets[@]}"; do
		"$tree/bin/busybox" --list | grep -x "$applet" >/dev/null || die "$(basename "$busybox_deb") has no $applet"
		ln -s busybox "$tree/bin/$applet"
	done
	for module in "${modules[@]}"; do
		source=$(compgen -G "$work/lib/modules/*/kernel/$module.ko") ||
			{ grep -qsx "kernel/$module.ko" "$work"/lib/modules/*/modules.builtin && continue; } ||
			die "$(basename "$kernel_deb") has no module $module: this kernel cannot be the demo's"
		install -m 644 "$source" "$tree/modules/"
		basename "$source" >>"$tree/modules/order"
	done

	mkdir -p "$out"
	# Every date the same and names in order: the same inputs give the same bytes.
	find "$tree" -exec touch -h -d @0 {} +
	(cd "$tree" && find . -print0 | LC_ALL=C sort -z | cpio --quiet -0 -o -H newc -R 0:0 --reproducible) | gzip -9n >"$work/initrd.gz"
	# qemu runs as a user of its own: readable to all, whatever the umask.
	install -m 644 "$work"/boot/vmlinuz-* "$work/vmlinuz"
	chmod 644 "$work/initrd.gz"
	chmod a+rx "$out"
	mv "$work/vmlinuz" "$work/initrd.gz" "$out/"
	echo "$inputs" >"$out/.inputs"
}

mkdir -p "$packages"
MAKEFLAGS='' make -s -C "$root" bin/vsn-guest
inputs=$(cat "$here/guest.sh" "$here/guest-init" "$root/bin/vsn-guest" | sha256sum)
if [ -s "$out/vmlinuz" ] && [ -s "$out/initrd.gz" ] && [ "$(cat "$out/.inputs" 2>/dev/null)" = "$inputs" ]; then
	say "$out is up to date"
	exit
fi
work=$(mktemp -d "$root/build/guest.XXXXXX")
trap 'rm -rf "$work"' EXIT
build
say "built $out/vmlinuz ($(du -h --apparent-size "$out/vmlinuz" | cut -f1)) and $out/initrd.gz ($(du -h --apparent-size "$out/initrd.gz" | cut -f1))"
