#!/usr/bin/env bash
# ready.sh NETWORK TIMEOUT: waits until every demo guest of a network answers UDP on port
# 7. A VSN is a world of its own, so for the while the host gets an address on its bridge.
# Needs root, libvirt and bin/vsn-guest. TIMEOUT is for each guest, as in 60s.
set -euo pipefail
shopt -s inherit_errexit

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
network=${1:?usage: ready.sh NETWORK TIMEOUT} timeout=${2:?usage: ready.sh NETWORK TIMEOUT}
here=10.50.0.254 # a guest must not have it

die() { echo "ready.sh: $*" >&2; exit 1; }
virsh() { command virsh -q -c qemu:///system "$@"; }

domains=$(virsh list --name | awk -v prefix="vsn.$network." 'index($0, prefix) == 1')
[ -n "$domains" ] || die "no domain vsn.$network.* runs: is the network deployed?"
bridge=$(virsh domiflist "$(head -n 1 <<<"$domains")" | awk '$2 == "bridge" {print $3}')

# Single addresses, no subnet: the machine's own 10.50.0.0/24, if it has one, stays where
# it is. Routes go with the address.
trap 'ip address del $here/32 dev "$bridge"' EXIT
ip address add $here/32 dev "$bridge"
for domain in $domains; do
	# The element, since the metadata may hold command lines of all.
	address=$(virsh dumpxml "$domain" | sed -n 's/.*<cmdline>.*vsn\.ip=\([0-9.]*\).*/\1/p')
	[ -n "$address" ] || die "$domain has no vsn.ip= on its kernel's command line: it is no demo guest"
	ip route add "$address/32" dev "$bridge" src $here
	"$root/bin/vsn-guest" wait "$address" 7 "$timeout"
done
