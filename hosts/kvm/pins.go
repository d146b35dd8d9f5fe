package kvm

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"libvirt.org/go/libvirtxml"
)

// emulator stands for the emulator in a pin: it sorts after every vCPU.
const emulator = int(^uint(0) >> 1)

// pin is the CPUs on which one thread may run.
type pin struct {
	vcpu int // or emulator
	cpus string
}

func (p pin) String() string {
	if p.vcpu == emulator {
		return "emulator=" + p.cpus
	}
	return fmt.Sprintf("vcpu%d=%s", p.vcpu, p.cpus)
}

// parsePins reads hosts.Domain.Pins. It insists on the one way of writing that
// formatPins has, since what is read back must be equal.
func parsePins(text string, vcpus int) ([]pin, error) {
	var pins []pin
	for _, field := range strings.Fields(text) {
		thread, cpus, _ := strings.Cut(field, "=")
		p := pin{vcpu: emulator, cpus: cpus}
		if number, ok := strings.CutPrefix(thread, "vcpu"); ok {
			n, err := strconv.Atoi(number)
			if err != nil || n < 0 || n >= vcpus {
				return nil, fmt.Errorf("pins %q: %q is not one of %d vcpus", text, thread, vcpus)
			}
			p.vcpu = n
		} else if thread != "emulator" {
			return nil, fmt.Errorf("pins %q: %q is neither a vcpu nor the emulator", text, thread)
		}
		if !isCPUSet(cpus) {
			return nil, fmt.Errorf("pins %q: %q is not a list of CPUs such as 3 or 0-2,5", text, cpus)
		}
		pins = append(pins, p)
	}
	if again := formatPins(pins); again != text {
		return nil, fmt.Errorf("pins %q: must be written %q", text, again)
	}
	return pins, nil
}

func formatPins(pins []pin) string {
	pins = slices.Clone(pins)
	slices.SortStableFunc(pins, func(a, b pin) int { return cmp.Compare(a.vcpu, b.vcpu) })
	pins = slices.CompactFunc(pins, func(a, b pin) bool { return a.vcpu == b.vcpu })
	words := make([]string, len(pins))
	for i, p := range pins {
		words[i] = p.String()
	}
	return strings.Join(words, " ")
}

// isCPUSet reports whether s is a set of CPUs as libvirt writes it: ascending, in
// ranges as long as can be.
func isCPUSet(s string) bool {
	last := -2
	for _, part := range strings.Split(s, ",") {
		from, to, isRange := strings.Cut(part, "-")
		a, err := strconv.Atoi(from)
		if err != nil || strconv.Itoa(a) != from || a <= last+1 {
			return false
		}
		last = a
		if !isRange {
			continue
		}
		b, err := strconv.Atoi(to)
		if err != nil || strconv.Itoa(b) != to || b <= a {
			return false
		}
		last = b
	}
	return true
}

// tune is the part of the XML that pins.
func tune(pins []pin) *libvirtxml.DomainCPUTune {
	if len(pins) == 0 {
		return nil
	}
	t := &libvirtxml.DomainCPUTune{}
	for _, p := range pins {
		if p.vcpu == emulator {
			t.EmulatorPin = &libvirtxml.DomainCPUTuneEmulatorPin{CPUSet: p.cpus}
			continue
		}
		t.VCPUPin = append(t.VCPUPin, libvirtxml.DomainCPUTuneVCPUPin{VCPU: uint(p.vcpu), CPUSet: p.cpus})
	}
	return t
}

// pinsOf reads them back.
func pinsOf(t *libvirtxml.DomainCPUTune) string {
	if t == nil {
		return ""
	}
	var pins []pin
	for _, p := range t.VCPUPin {
		pins = append(pins, pin{vcpu: int(p.VCPU), cpus: p.CPUSet})
	}
	if t.EmulatorPin != nil {
		pins = append(pins, pin{vcpu: emulator, cpus: t.EmulatorPin.CPUSet})
	}
	return formatPins(pins)
}
