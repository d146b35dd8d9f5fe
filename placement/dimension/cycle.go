package dimension

import (
	"math/big"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/placement/bounds"
	"github.com/vsnctl/vsnctl/vsn"
)

// asksTooMuch reports whether the long-run demand of a server's clients is over what
// it gives, or, where that is to be chosen, over what it may give.
func (m *model) asksTooMuch(s *server) bool {
	gives := new(big.Rat)
	switch {
	case s.kind == port && s.variable >= 0:
		return false // there is no rate that cannot be chosen
	case s.kind == port:
		gives.SetFrac64(s.rate, 8e9)
	case s.variable >= 0:
		gives.SetFrac64(int64(m.variables[s.variable].share), int64(vsn.One))
	default:
		gives, _ = s.supply.Linear()
	}
	asked := new(big.Rat)
	for _, a := range s.arrivals {
		asked.Add(asked, big.NewRat(a.Cost, a.Period))
	}
	return asked.Cmp(gives) > 0
}

// goesRound tells whether a flow depends on a cycle.
func (m *model) goesRound(f *chain) bool {
	if f.cyclic == 0 {
		if f.cyclic = -1; m.cycle(f) != "" {
			f.cyclic = 1
		}
	}
	return f.cyclic > 0
}

// cycle names the servers, in the order in which messages pass them, of a cycle that a
// flow depends on; "" where there is none.
func (m *model) cycle(f *chain) string {
	done := map[int]bool{}
	for _, st := range f.steps {
		if st.server < 0 {
			continue
		}
		cycle := bounds.Cycle(st.server, m.preceding, func(int) bool { return true }, done)
		if cycle == nil {
			continue
		}
		names := make([]string, len(cycle)+1)
		for i := range names {
			names[i] = m.servers[cycle[i%len(cycle)]].name(m.network.Name)
		}
		return strings.Join(names, " -> ")
	}
	return ""
}

// preceding are the servers from which messages come to one, fixed times passed over.
func (m *model) preceding(id int) (out []int) {
	var add func(f *chain, steps []int)
	add = func(f *chain, steps []int) {
		for _, i := range steps {
			switch at := f.steps[i].server; {
			case at < 0:
				add(f, f.steps[i].after)
			case !slices.Contains(out, at):
				out = append(out, at)
			}
		}
	}
	for _, c := range m.servers[id].clients {
		f := m.flows[c.flow]
		add(f, f.steps[c.step].after)
	}
	return out
}

// name is what the proof calls a server.
func (s *server) name(network string) string {
	switch of := network + "/" + s.key.at; s.kind {
	case processor:
		return "vm " + of
	case devices:
		return "devices of " + of
	default:
		return "queue " + of + " " + s.key.from + ">" + s.to
	}
}
