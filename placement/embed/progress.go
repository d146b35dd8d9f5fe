package embed

import "github.com/vsnctl/vsnctl/hosts"

// Progress is how far a search is.
type Progress struct {
	Nodes    int64 // decisions tried
	Most     int64 // decisions that may be
	Networks int   // in the problem
	Placed   int   // of these, with a host for every VM at this moment
	// By are the criteria, and Costs what the best placement so far costs by them, where
	// there is one and costs are compared. Bounds are what none costs less than: 0 where
	// that was not looked at.
	By            []hosts.Objective
	Costs, Bounds []int64
}

// betweenReports is how many decisions are tried between two looks at the context and two
// reports: a power of two.
const betweenReports = 256

// report tells of the search as it is.
func (s *search) report() {
	if s.o.Progress == nil {
		return
	}
	p := Progress{Nodes: s.tally.Nodes, Most: max(s.o.Nodes, s.most), Networks: len(s.m.problem.Networks), Placed: s.placed()}
	if s.standing != nil {
		p.By, p.Costs, p.Bounds = s.standing()
	}
	s.o.Progress(p)
}

// placed is the networks of which every group has a seat.
func (s *state) placed() int {
	open := make([]bool, len(s.m.problem.Networks))
	missing := 0
	for g := range s.m.groups {
		if part := s.m.groups[g].part; s.seat[g] < 0 && !open[part] {
			open[part] = true
			missing++
		}
	}
	return len(open) - missing
}
