package kvm

import (
	"encoding/xml"
	"fmt"
	"path/filepath"

	"libvirt.org/go/libvirtxml"

	"github.com/vsnctl/vsnctl/hosts"
)

// setting is what the XML of a domain needs to know besides the domain: the machine
// that it will run on.
type setting struct {
	label    string // user and group of qemu, as in "+64055:+64055"; empty: libvirt's own
	amd      bool   // the CPUs are AMD's
	log      string // file for the console
	directIO bool   // the file systems of the disk can do O_DIRECT
}

// document is the XML that makes d. All text is escaped by the XML library.
func document(d hosts.Domain, s setting) (string, error) {
	pins, err := parsePins(d.Pins, d.VCPUs)
	if err != nil {
		return "", err
	}
	note, err := xml.Marshal(markOf(d))
	if err != nil {
		return "", err
	}
	doc := libvirtxml.Domain{
		Type:     virtType(d.Accel),
		Name:     d.Name,
		Metadata: &libvirtxml.DomainMetadata{XML: string(note)},
		Memory:   &libvirtxml.DomainMemory{Value: uint(roundMemory(d.Memory) / kib), Unit: "KiB"},
		VCPU:     &libvirtxml.DomainVCPU{Placement: "static", Value: uint(d.VCPUs)},
		CPUTune:  tune(pins),
		OS:       bootOf(d),
		Features: &libvirtxml.DomainFeatureList{ACPI: &libvirtxml.DomainFeature{}, APIC: &libvirtxml.DomainFeatureAPIC{}},
		CPU:      cpuOf(d.Accel, s.amd),
		// The HPET would only be a second clock to emulate; guests have better ones.
		Clock:      &libvirtxml.DomainClock{Offset: "utc", Timer: []libvirtxml.DomainTimer{{Name: "hpet", Present: "no"}}},
		OnPoweroff: "destroy",
		OnReboot:   "restart",
		OnCrash:    "destroy",
		Devices: &libvirtxml.DomainDeviceList{
			Disks:       disksOf(d, s.directIO),
			Controllers: []libvirtxml.DomainController{{Type: "usb", Model: "none"}},
			Interfaces:  []libvirtxml.DomainInterface{interfaceOf(d)},
			Serials:     []libvirtxml.DomainSerial{consoleOf(s.log)},
			MemBalloon:  &libvirtxml.DomainMemBalloon{Model: "none"}, // memory is given for good
		},
	}
	if s.label != "" {
		// Left to itself libvirt gives image, kernel and initrd to the user of qemu, and
		// a base image stays so for good. We make the overlay that user's; the rest it
		// must be able to read as it is.
		doc.SecLabel = []libvirtxml.DomainSecLabel{{Type: "static", Model: "dac", Relabel: "no", Label: s.label}}
	}
	return doc.Marshal()
}

const (
	kib = 1 << 10
	mib = 1 << 20
)

// roundMemory is the memory that libvirt gives when asked for some: whole MiB
// (libvirt, qemu_domain.c, qemuDomainDefPostParse).
func roundMemory(bytes int64) int64 { return (bytes + mib - 1) / mib * mib }

func virtType(a hosts.Accel) string {
	if a == hosts.AccelKVM {
		return "kvm"
	}
	return "qemu"
}

// bootOf starts the kernel where there is one, else the first disk. The machine is
// "pc", the i440FX: q35 starts no sooner and idles no lower, and would add PCIe ports
// that nothing uses.
func bootOf(d hosts.Domain) *libvirtxml.DomainOS {
	os := &libvirtxml.DomainOS{
		Type:    &libvirtxml.DomainOSType{Arch: "x86_64", Machine: "pc", Type: "hvm"},
		Kernel:  d.Kernel,
		Initrd:  d.Initrd,
		Cmdline: d.Cmdline,
	}
	if d.Kernel == "" {
		os.BootDevices = []libvirtxml.DomainBootDevice{{Dev: "hd"}}
	}
	return os
}

// cpuOf gives the guest all that the host's CPU, or the emulator, can do: domains
// are placed by a plan and do not migrate to something lesser.
func cpuOf(a hosts.Accel, amd bool) *libvirtxml.DomainCPU {
	if a != hosts.AccelKVM {
		return &libvirtxml.DomainCPU{Mode: "maximum", Check: "none"}
	}
	cpu := &libvirtxml.DomainCPU{Mode: "host-passthrough", Check: "none"}
	if amd {
		// KVM offers IA32_ARCH_CAPABILITIES, an Intel register, on AMD too; nested under
		// some hypervisors it cannot be set there and qemu dies of it.
		cpu.Features = []libvirtxml.DomainCPUFeature{{Policy: "disable", Name: "arch-capabilities"}}
	}
	return cpu
}

// disksOf is the overlay as the first virtio disk. cache=none: what the guest has
// written is not a second time in the host's memory, which was planned without it.
// io=native: requests are submitted by the emulator thread, whose CPU time is
// reserved, not by a pool of threads that have none; it needs O_DIRECT.
func disksOf(d hosts.Domain, directIO bool) []libvirtxml.DomainDisk {
	if d.Overlay == "" {
		return nil
	}
	driver := &libvirtxml.DomainDiskDriver{Name: "qemu", Type: "qcow2", Cache: "none", IO: "native", Discard: "unmap"}
	if !directIO {
		driver.Cache, driver.IO = "writeback", "threads"
	}
	return []libvirtxml.DomainDisk{{
		Device: "disk",
		Driver: driver,
		Source: &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{File: d.Overlay}},
		Target: &libvirtxml.DomainDiskTarget{Dev: "vda", Bus: "virtio"},
	}}
}

// interfaceOf is one virtio NIC on the bridge. A shaper that lets one frame more out
// than it should is off by that frame, so none may be larger than the MTU: all
// segmentation is off, and so are checksums, without which no driver may leave
// segmentation to us at all (virtio 1.2, 5.1.3.1), nor the kind that this libvirt
// does not know (UDP). driver=qemu: frames are moved by the emulator thread, whose
// CPU time is reserved, not by a vhost thread of the kernel.
func interfaceOf(d hosts.Domain) libvirtxml.DomainInterface {
	return libvirtxml.DomainInterface{
		MAC:    &libvirtxml.DomainInterfaceMAC{Address: d.MAC},
		Source: &libvirtxml.DomainInterfaceSource{Bridge: &libvirtxml.DomainInterfaceSourceBridge{Bridge: d.Bridge}},
		Target: &libvirtxml.DomainInterfaceTarget{Dev: d.Tap},
		Model:  &libvirtxml.DomainInterfaceModel{Type: "virtio"},
		MTU:    &libvirtxml.DomainInterfaceMTU{Size: uint(d.MTU)},
		Driver: &libvirtxml.DomainInterfaceDriver{
			Name:  "qemu",
			Host:  &libvirtxml.DomainInterfaceDriverHost{CSum: off, GSO: off, TSO4: off, TSO6: off, ECN: off, UFO: off, MrgRXBuf: off},
			Guest: &libvirtxml.DomainInterfaceDriverGuest{CSum: off, TSO4: off, TSO6: off, ECN: off, UFO: off},
		},
	}
}

const off = "off"

// consoleOf is the first serial port: `virsh console` can attach to it, and what the
// guest writes is in the log whether or not anybody does.
func consoleOf(log string) libvirtxml.DomainSerial {
	return libvirtxml.DomainSerial{
		Source: &libvirtxml.DomainChardevSource{Pty: &libvirtxml.DomainChardevSourcePty{}},
		Log:    &libvirtxml.DomainChardevLog{File: log, Append: off},
	}
}

// logSuffix ends the name of a console log; virtlogd adds .0 and so on to old ones.
const logSuffix = ".log"

func (m *Machine) logPath(domain string) string { return filepath.Join(m.logs, domain+logSuffix) }

func (m *Machine) overlayPath(domain string) string {
	return filepath.Join(m.overlays, domain+overlaySuffix)
}

// domainName is the only name that a domain of ours has. It can be taken apart again,
// since names of networks and VMs hold no dots (vsn.CheckName).
func domainName(network, vm string) string { return fmt.Sprintf("vsn.%s.%s", network, vm) }
