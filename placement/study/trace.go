package study

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"

	"github.com/vsnctl/vsnctl/vsn"
)

// Request is a network that comes at At, in seconds, and goes For seconds later if it
// is accepted.
type Request struct {
	ID      json.RawMessage // as the trace has it: a number or a text
	At, For float64
	Network *vsn.Network
}

// Decision is what becomes of a request. Routes are the nodes of each link's path, Cables
// those of its hops where nodes alone do not tell, and CPUs those of each vCPU's
// reservation where the host has scheduling domains.
type Decision struct {
	ID       json.RawMessage     `json:"id"`
	Accepted bool                `json:"accepted"`
	Seats    map[string]string   `json:"seats,omitempty"`
	Routes   map[string][]string `json:"routes,omitempty"`
	Cables   map[string][]string `json:"cables,omitempty"`
	CPUs     map[string][]int    `json:"cpus,omitempty"`
	Reason   string              `json:"reason,omitempty"`
}

// maxTime keeps sums of times from losing seconds: 2^53 ms as seconds.
const maxTime = 1 << 43

// ReadTrace reads JSON Lines: {"id", "at", "for", "network": {...}}, empty lines left
// out. name is what errors call the file.
func ReadTrace(name string, data []byte) ([]Request, error) {
	var out []Request
	seen := map[string]int{}
	for number := 1; len(data) > 0; number++ {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		r, err := readRequest(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, number, err)
		}
		if first, twice := seen[string(r.ID)]; twice {
			return nil, fmt.Errorf("%s:%d: id: %s is the id of line %d too", name, number, r.ID, first)
		}
		seen[string(r.ID)] = number
		out = append(out, r)
	}
	return out, nil
}

func readRequest(line []byte) (Request, error) {
	var in struct {
		ID      json.RawMessage `json:"id"`
		At      *float64        `json:"at"`
		For     *float64        `json:"for"`
		Network json.RawMessage `json:"network"`
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return Request{}, fmt.Errorf("want {\"id\", \"at\", \"for\", \"network\"}: %w", err)
	}
	if d.More() {
		return Request{}, fmt.Errorf("something follows the request: want one on each line")
	}
	var id any
	if json.Unmarshal(in.ID, &id) == nil {
		switch id.(type) {
		case string, float64:
		default:
			return Request{}, fmt.Errorf("id: want a number or a text, found %s", in.ID)
		}
	}
	switch {
	case in.ID == nil, in.At == nil, in.For == nil, in.Network == nil:
		return Request{}, fmt.Errorf("want all of id, at, for and network")
	case !(math.Abs(*in.At) <= maxTime):
		return Request{}, fmt.Errorf("at: %v is not in ±%d seconds", *in.At, int64(maxTime))
	case !(*in.For >= 0 && *in.For <= maxTime):
		return Request{}, fmt.Errorf("for: %v is not in 0..%d seconds", *in.For, int64(maxTime))
	}
	n, errs := vsn.Decode(in.Network)
	if err := errs.Err(); err != nil {
		return Request{}, err
	}
	if err := decidable(n); err != nil {
		return Request{}, err
	}
	return Request{in.ID, *in.At, *in.For, n}, nil
}

// decidable refuses what a simulation keeps no promise about: it has no proof.
func decidable(n *vsn.Network) error {
	for i := range n.Flows {
		if f := &n.Flows[i]; f.Deadline > 0 {
			return fmt.Errorf("network %q: flow %q has a deadline: simulate keeps budgets and the delays of ways and proves no deadline; leave it out, or plan the network", n.Name, f.Name)
		}
	}
	for i := range n.VMs {
		vm := &n.VMs[i]
		if len(vm.Tasks) > 0 || vm.Reservation != nil && vm.Reservation.Runtime == 0 {
			return fmt.Errorf("network %q: vm %q leaves its reservation to the planner: simulate wants runtime and period", n.Name, vm.Name)
		}
	}
	if n.Confidence != 0 {
		return fmt.Errorf("network %q: confidence: simulate counts every reservation whole", n.Name)
	}
	return nil
}
