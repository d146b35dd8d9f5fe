package construct

import (
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/vsn"
)

// Fail says that a host is lost: nothing finds room there any more. It returns the
// names of the networks that had a VM on it or a path through it, sorted; Again places
// what each has lost, Release gives all of it up.
func (x *Embedder) Fail(host string) ([]string, error) {
	h, ok := x.sub.index[host]
	if !ok || h >= x.sub.hosts {
		return nil, fmt.Errorf("there is no host %q", host)
	}
	x.failed[h] = true
	var out []string
	for name, t := range x.held {
		if x.strip(t, h) {
			out = append(out, name)
		}
	}
	x.changed(h)
	slices.Sort(out)
	return out, nil
}

// strip takes from a network what it has on a host, and the paths that end there or
// pass.
func (x *Embedder) strip(t *held, h int32) (some bool) {
	gone := map[string]bool{}
	for vm, at := range t.seats {
		if at == h {
			x.seat(t, int32(vm), -1)
			gone[t.network.VMs[vm].Name] = true
		}
	}
	for l := range t.paths {
		ends := t.network.Links[l].Between
		if gone[ends[0]] || gone[ends[1]] || slices.ContainsFunc(t.paths[l], func(c int32) bool { return slices.Contains(x.sub.cables[c].ends[:], h) }) {
			x.lay(t, l, -1)
			for _, c := range t.paths[l] {
				x.adjacent(c)
			}
			t.paths[l], t.lost[l], some = nil, true, true
		}
	}
	for vm := range t.seats {
		if gone[t.network.VMs[vm].Name] {
			t.seats[vm], some = -1, true
		}
	}
	t.grants = slices.DeleteFunc(t.grants, func(g grant) bool { return t.seats[g.vm] < 0 })
	return some
}

// adjacent brings the index up to date about the hosts at the ends of a cable.
func (x *Embedder) adjacent(c int32) {
	for _, n := range x.sub.cables[c].ends {
		if n < x.sub.hosts {
			x.changed(n)
		}
	}
}

// Again places what a network has lost: its other VMs and links stay as they are. The
// answer is all of the network. Errors are as Embed has them; the network then holds
// what it has not lost.
func (x *Embedder) Again(n *vsn.Network) (*Answer, error) {
	t := x.held[n.Name]
	if t == nil {
		return nil, fmt.Errorf("network %q: it has no place", n.Name)
	}
	a, err := x.ask(t.network)
	if err != nil {
		return nil, err
	}
	for vm, h := range t.seats {
		if v := a.q.seatOf[vm]; h >= 0 && !a.kept[v] {
			a.keep(v, h)
		}
	}
	for vm, h := range t.seats {
		if h < 0 && a.kept[a.q.seatOf[vm]] {
			return nil, &Unplaced{n.Name, fmt.Sprintf("vm %q is lost, and one that it is to be with is not", n.VMs[vm].Name)}
		}
	}
	for l := range t.lost {
		if !t.lost[l] {
			a.stay(int32(l))
		}
	}
	a.measure(x)
	return x.place(a)
}
