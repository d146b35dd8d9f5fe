package proof

import (
	"fmt"
	"slices"

	"github.com/vsnctl/vsnctl/placement/bounds"
)

// before is what comes right before each stage of a flow.
func (f *flow) before() map[*stage][]*stage {
	out := map[*stage][]*stage{}
	for v := range f.each() {
		for _, w := range v.ways {
			last := w.from.work
			for _, s := range w.stages {
				out[s], last = append(out[s], last), s
			}
			out[v.work] = append(out[v.work], last)
		}
	}
	return out
}

// why says for what reason a flow has no bound: what serves nothing or too little, or
// the cycle of servers on which delays grow without end.
func (fs *flows) why(f *flow) string {
	before := map[*stage][]*stage{}
	for _, g := range fs.all {
		for s, list := range g.before() {
			before[s] = list
		}
	}
	var starts []*stage
	for v := range f.each() {
		for s := range v.stages() {
			if s.delay == bounds.Inf {
				starts = append(starts, s)
			}
		}
	}
	known := map[*stage]bool{}
	for queue := slices.Clone(starts); len(queue) > 0; queue = queue[1:] {
		s := queue[0]
		if known[s] {
			continue
		}
		known[s] = true
		if why := s.serves(); why != "" {
			return why
		}
		queue = append(queue, before[s]...)
		if s.server != nil {
			for _, c := range s.server.clients {
				queue = append(queue, c.stage)
			}
		}
	}
	if c := fs.cycle(starts, before); c != nil {
		names := make([]string, len(c))
		for i, v := range c {
			names[i] = v.name
		}
		return settlesNot(inOrder(names))
	}
	return "its numbers are beyond the range"
}

// serves says why a stage has no bound whatever comes before it; "" where it has one.
func (s *stage) serves() string {
	v := s.server
	switch {
	case v == nil:
		return s.why
	case len(v.vcpus) == 0 && v.rule != RuleShaper:
		return v.name + " has no reservation"
	}
	var punctual []bounds.Arrival
	for _, c := range v.clients {
		punctual = append(punctual, bounds.Arrival{Period: int64(c.flow.spec.Every), Burst: c.flow.spec.Burst, Cost: c.stage.cost})
	}
	if v.within(punctual) == bounds.Inf {
		return fmt.Sprintf("%s serves less than its flows ask for", v.name)
	}
	return ""
}

// cycle is one of servers without a bound from which a stage of those can be come to.
func (fs *flows) cycle(starts []*stage, before map[*stage][]*stage) []*server {
	var all []*server
	for _, f := range fs.all {
		for v := range f.each() {
			for s := range v.stages() {
				if s.server != nil && !slices.Contains(all, s.server) {
					all = append(all, s.server)
				}
			}
		}
	}
	preceding := func(v *server) (out []*server) {
		for _, c := range v.clients {
			for _, s := range serversBefore(c.stage, before) {
				if !slices.Contains(out, s) {
					out = append(out, s)
				}
			}
		}
		return out
	}
	unbounded := func(v *server) bool { return v.delay() == bounds.Inf }
	done := map[*server]bool{}
	for _, s := range starts {
		if s.server == nil {
			continue
		}
		if c := bounds.Cycle(s.server, preceding, unbounded, done); c != nil {
			return firstAlong(c, all)
		}
	}
	return nil
}

// serversBefore are the servers that a stage comes from, links and the like passed
// over.
func serversBefore(s *stage, before map[*stage][]*stage) (out []*server) {
	for _, b := range before[s] {
		if b.server != nil {
			out = append(out, b.server)
		} else {
			out = append(out, serversBefore(b, before)...)
		}
	}
	return out
}
