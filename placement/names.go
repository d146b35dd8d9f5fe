package placement

import (
	"crypto/sha256"
	"fmt"
)

// The kernel gives an interface name 15 bytes, and a VSN's names may be longer: ours
// are a prefix for the kind and 40 bits of a digest, the same at every deploy. What
// they stand for is in their alias.
const (
	bridgePrefix = "vb"
	tapPrefix    = "vt"
	ifbPrefix    = "vi"
)

func digest40(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p) // lengths keep ("ab","c") and ("a","bc") apart
	}
	return h.Sum(nil)[:5]
}

// BridgeName is the interface name of the segment of a network.
func BridgeName(network string) string {
	return fmt.Sprintf("%s%x", bridgePrefix, digest40(network))
}

// TapName is the interface name of the tap of a VM.
func TapName(network, vm string) string {
	return fmt.Sprintf("%s%x", tapPrefix, digest40(network, vm))
}

// IfbName is the interface name of the IFB that shapes what a VM sends.
func IfbName(network, vm string) string {
	return fmt.Sprintf("%s%x", ifbPrefix, digest40(network, vm))
}

// DomainName is the libvirt name of a VM. Names hold no dots, so that it can be
// taken apart again.
func DomainName(network, vm string) string { return "vsn." + network + "." + vm }

// MAC is the Ethernet address of a VM: locally administered, unicast.
func MAC(network, vm string) string {
	d := digest40("mac", network, vm)
	return fmt.Sprintf("02:%02x:%02x:%02x:%02x:%02x", d[0], d[1], d[2], d[3], d[4])
}

// OverlayPath is the qcow2 file that takes the writes of a VM with a disk.
func OverlayPath(network, vm string) string {
	return "/var/lib/vsnctl/overlays/" + DomainName(network, vm) + ".qcow2"
}
