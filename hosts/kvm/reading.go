package kvm

import (
	"fmt"
	"reflect"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/vsnctl/vsnctl/hosts"
)

// reading is the domain that libvirt describes, so that what somebody changed
// differs from what was asked; nil for a domain that is not ours. What libvirt does
// not report is taken from the mark.
func reading(document string) (*description, error) {
	if !strings.Contains(document, markSpace) {
		return nil, nil
	}
	var doc libvirtxml.Domain
	if err := doc.Unmarshal(document); err != nil {
		return nil, fmt.Errorf("libvirt's XML of a domain: %w", err)
	}
	own, ok := findMark(document, doc.Name)
	if !ok {
		return nil, nil
	}
	m := own.Mark
	d := hosts.Domain{Network: m.Network, VM: m.VM, Name: doc.Name, Accel: accelOf(doc.Type), VCPUs: vcpusOf(doc.VCPU), Pins: pinsOf(doc.CPUTune), Resources: m.Holds}
	d.Memory = memoryOf(doc.Memory)
	if d.Memory == roundMemory(m.Memory) {
		d.Memory = m.Memory
	}
	if doc.OS != nil {
		d.Kernel, d.Initrd, d.Cmdline = doc.OS.Kernel, doc.OS.Initrd, doc.OS.Cmdline
	}
	if doc.Devices != nil {
		readDisk(&d, doc.Devices.Disks, m.Image)
		readInterface(&d, doc.Devices.Interfaces)
	}
	return &description{d, own.Promise}, nil
}

// description is what libvirt says of a domain of ours.
type description struct {
	hosts.Domain
	promise *string // nil: none
}

func accelOf(virtType string) hosts.Accel {
	switch virtType {
	case "kvm":
		return hosts.AccelKVM
	case "qemu":
		return hosts.AccelTCG
	}
	return hosts.Accel(virtType)
}

func vcpusOf(v *libvirtxml.DomainVCPU) int {
	switch {
	case v == nil:
		return 1
	case v.Current != 0:
		return int(v.Current)
	}
	return int(v.Value)
}

// memoryOf is in bytes. libvirt reports KiB whatever it was given.
func memoryOf(m *libvirtxml.DomainMemory) int64 {
	if m == nil {
		return 0
	}
	return int64(m.Value) * kib
}

// readDisk takes the first disk for the overlay. A running domain lists the files
// below it; one that never ran does not, and the mark has to do.
func readDisk(d *hosts.Domain, disks []libvirtxml.DomainDisk, image string) {
	if len(disks) == 0 || disks[0].Source == nil || disks[0].Source.File == nil {
		return
	}
	d.Overlay, d.Image = disks[0].Source.File.File, image
	if b := disks[0].BackingStore; b != nil && b.Source != nil && b.Source.File != nil {
		d.Image = b.Source.File.File
	}
}

func readInterface(d *hosts.Domain, list []libvirtxml.DomainInterface) {
	if len(list) == 0 {
		return
	}
	i := list[0]
	if i.Source != nil && i.Source.Bridge != nil {
		d.Bridge = i.Source.Bridge.Bridge
	}
	if i.Target != nil {
		d.Tap = i.Target.Dev
	}
	if i.MAC != nil {
		d.MAC = i.MAC.Address
	}
	if i.MTU != nil {
		d.MTU = int(i.MTU.Size)
	}
}

// differences lists the fields of have that are not as wanted.
func differences(have, want hosts.Domain) string {
	var words []string
	h, w := reflect.ValueOf(have), reflect.ValueOf(want)
	for i := range h.NumField() {
		if h.Field(i).Interface() != w.Field(i).Interface() {
			words = append(words, fmt.Sprintf("%s %#v instead of %#v", strings.ToLower(h.Type().Field(i).Name), h.Field(i), w.Field(i)))
		}
	}
	return strings.Join(words, ", ")
}
