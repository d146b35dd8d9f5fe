package bounds

import (
	"fmt"
	"math/big"
	"strings"
)

// Flow is traffic in a token bucket that passes the servers of Path in turn.
type Flow struct {
	Name string
	Bucket
	Path []string
}

// Net is a network of servers and all flows through them, in any consistent units.
type Net struct {
	Servers []Server
	Flows   []Flow
}

// Analysis is a way to bound a flow's delay in a Net.
type Analysis string

// The analyses. SFA and TFA follow the NetCal DNC in every convention, among them
// that SFA, when it bounds the cross traffic that has come along with a flow, gives
// the flow of interest the lowest priority (Bondorf and Schmitt, "Boosting Sensor
// Network Calculus by Thoroughly Bounding Cross-Traffic", INFOCOM 2015). That
// argument is made for servers of any order. Proven does without it.
const (
	TFA    Analysis = "tfa"    // total flow analysis: the sum over servers of the delay of all traffic there
	SFA    Analysis = "sfa"    // separated flow analysis: what cross traffic leaves at each server, then the tandem
	PMOO   Analysis = "pmoo"   // pay multiplexing only once: holds for, and assumes, servers of any order
	Best   Analysis = "best"   // the least of TFA, SFA and PMOO, for each number
	Proven Analysis = "proven" // the least of TFA, PMOO, and SFA with the flow of interest counted against its cross traffic too
)

// Mux is the order in which servers serve different flows; each flow by itself is
// always served in order.
type Mux string

// The orders.
const (
	FIFO Mux = "fifo" // first come first served over all flows
	Any  Mux = "any"  // nothing is known
)

// Result is what an analysis says of one flow; nil is no finite bound.
type Result struct {
	Delay *big.Rat // from the entry to the first server to the exit of the last
	// Backlog of SFA and PMOO is the most data of this flow on its path; of TFA it
	// is the most data of all flows in any one server of the path.
	Backlog *big.Rat
}

// Delay bounds the delay of the named flow. Errors: the net is malformed, has a
// cycle (*CycleError), or has no such flow, analysis or order.
func (n Net) Delay(flow string, a Analysis, m Mux) (Result, error) {
	g, err := n.graph(m)
	if err != nil {
		return Result{}, err
	}
	for i := range n.Flows {
		if n.Flows[i].Name == flow {
			return g.result(i, a)
		}
	}
	return Result{}, fmt.Errorf("no flow %q among the %d flows", flow, len(n.Flows))
}

// Delays bounds the delays of all flows, in their order.
func (n Net) Delays(a Analysis, m Mux) ([]Result, error) {
	g, err := n.graph(m)
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(n.Flows))
	for i := range results {
		if results[i], err = g.result(i, a); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// Validate reports what is malformed in the net, except for cycles.
func (n Net) Validate() error {
	servers := map[string]bool{}
	for _, s := range n.Servers {
		switch {
		case s.Name == "":
			return fmt.Errorf("a server has no name")
		case servers[s.Name]:
			return fmt.Errorf("two servers are called %q", s.Name)
		case s.Rate == nil || s.Rate.Sign() <= 0:
			return fmt.Errorf("server %q: rate %s: want more than 0", s.Name, number(s.Rate))
		case s.Latency == nil || s.Latency.Sign() < 0:
			return fmt.Errorf("server %q: latency %s: want 0 or more", s.Name, number(s.Latency))
		}
		servers[s.Name] = true
	}
	flows := map[string]bool{}
	for _, f := range n.Flows {
		switch {
		case f.Name == "":
			return fmt.Errorf("a flow has no name")
		case flows[f.Name]:
			return fmt.Errorf("two flows are called %q", f.Name)
		case f.Rho == nil || f.Rho.Sign() < 0:
			return fmt.Errorf("flow %q: rho %s: want 0 or more", f.Name, number(f.Rho))
		case f.Sigma == nil || f.Sigma.Sign() < 0:
			return fmt.Errorf("flow %q: sigma %s: want 0 or more", f.Name, number(f.Sigma))
		case len(f.Path) == 0:
			return fmt.Errorf("flow %q: its path is empty: name at least one server", f.Name)
		}
		flows[f.Name] = true
		seen := map[string]bool{}
		for _, s := range f.Path {
			if !servers[s] {
				return fmt.Errorf("flow %q: no server %q", f.Name, s)
			}
			if seen[s] {
				return fmt.Errorf("flow %q: cycle: its path passes server %q twice", f.Name, s)
			}
			seen[s] = true
		}
	}
	return nil
}

func number(v *big.Rat) string {
	if v == nil {
		return "is missing"
	}
	return v.RatString()
}

// CycleError is a cycle of dependencies: the servers in order, and for each the
// flow that goes from it to the next.
type CycleError struct {
	Servers []string
	Flows   []string
}

func (e *CycleError) Error() string {
	var b strings.Builder
	b.WriteString("cycle: ")
	for i, s := range e.Servers {
		fmt.Fprintf(&b, "%s -(%s)-> ", s, e.Flows[i])
	}
	b.WriteString(e.Servers[0])
	b.WriteString(": delays on it depend on themselves: route one of the flows differently")
	return b.String()
}
