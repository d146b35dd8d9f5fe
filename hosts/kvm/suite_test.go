package kvm

import (
	"runtime"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/hosts/hosttest"
	"github.com/vsnctl/vsnctl/hosts/linux"
)

// The suite on what a deployment really uses: this kernel and this libvirt. Package
// linux runs it without guests.
func TestSuite(t *testing.T) {
	hosttest.Need(t, hosttest.Root, hosttest.Deadline, hosttest.Cpuset, hosttest.Libvirt)
	hosttest.Suite(t, func(t *testing.T) hosttest.Fixture {
		l, kernel := newLab(t), linux.New()
		parts := map[hosts.Kind]hosts.Machine{}
		for _, k := range linux.Kinds() {
			parts[k] = kernel
		}
		for _, k := range Kinds() {
			parts[k] = l.Machine
		}
		disk := l.domain("a1", true)
		return hosttest.Fixture{Machine: hosts.Join(parts), CPUs: []int{0, 1 % runtime.NumCPU()}, Absent: 4000, Steps: 4,
			Adapt: func(d *hosts.Domain) {
				d.Kernel, d.Initrd, d.Cmdline = disk.Kernel, disk.Initrd, "quiet"
				if d.VM == "vm0" {
					d.Image, d.Overlay = disk.Image, l.overlayPath(d.Name)
				}
			}}
	})
}
