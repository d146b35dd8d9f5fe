package canonical

import (
	"cmp"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

// hash is a number for a content. That two contents have one is as likely as 1 in 2^64;
// they are then told apart by their place, as what cannot be told apart is.
type hash uint64

// with is the hash of a sequence with one number more: a round of splitmix64.
func (h hash) with(v hash) hash {
	z := uint64(h)*0x9e3779b97f4a7c15 + uint64(v) + 0x632be59bd9b4e019
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return hash(z ^ z>>31)
}

// text is with for the bytes of a text.
func (h hash) text(s string) hash {
	f := uint64(14695981039346656037) // FNV-1a
	for i := range len(s) {
		f = (f ^ uint64(s[i])) * 1099511628211
	}
	return h.with(hash(f)).with(hash(len(s)))
}

func (h hash) flag(b bool) hash {
	if b {
		return h.with(1)
	}
	return h.with(0)
}

// labels and counts have no order: the hashes of their entries are added up.
func (h hash) labels(m map[string]string) hash {
	sum := hash(0)
	for k, v := range m {
		sum += hash(1).text(k).text(v)
	}
	return h.with(sum)
}

func (h hash) counts(m map[string]int64) hash {
	sum := hash(0)
	for k, v := range m {
		if v != 0 {
			sum += hash(2).text(k).with(hash(v))
		}
	}
	return h.with(sum)
}

// ofHost leaves out the address, which is a name.
func ofHost(h *hosts.Host) hash {
	out := hash(1).labels(h.Labels).with(hash(h.Share)).with(hash(h.Grain)).with(hash(h.Memory)).counts(h.Resources).with(hash(h.Delay)).flag(h.Transit).flag(h.Partition).text(string(h.Accel)).with(hash(len(h.CPUs)))
	for _, c := range h.CPUs {
		out = out.with(hash(c.ID)).with(hash(c.Node)).with(hash(c.Share))
	}
	if e := h.Emulator; e != nil {
		out = out.with(hash(e.Runtime)).with(hash(e.Period)).with(hash(e.Work))
	}
	return out
}

// ofCable leaves out the device, which is a name.
func ofCable(c *hosts.Cable) hash {
	return hash(3).with(hash(c.Rate)).with(hash(c.Share)).with(hash(c.Delay)).flag(c.Half())
}

// ofVM leaves out what it boots, on which nothing that is planned depends.
func ofVM(v *vsn.VM) hash {
	out := hash(5).with(hash(v.VCPUs)).with(hash(v.Memory)).counts(v.Resources).text(string(v.GuestScheduler))
	if r := v.Reservation; r != nil {
		out = out.with(hash(r.Runtime)).with(hash(r.Period))
	}
	for _, t := range tasks(v) {
		out = out.with(hash(t.WCET)).with(hash(t.Period)).with(hash(cmp.Or(t.Deadline, t.Period)))
	}
	return out
}

func ofLink(l *vsn.Link) hash {
	return hash(7).with(hash(l.Rate)).with(hash(l.Burst)).with(hash(l.Delay))
}

func ofFlow(f *vsn.Flow) hash {
	return hash(8).with(hash(f.Message)).with(hash(f.Every)).with(hash(f.Jitter)).with(hash(f.Messages())).with(hash(f.Deadline)).with(hash(len(f.Path)))
}

func ofRule(r *vsn.Rule) hash {
	return hash(9).flag(len(r.Apart) > 0).flag(len(r.Together) > 0).flag(len(r.Spread) > 0).text(r.Over).labels(r.On)
}
