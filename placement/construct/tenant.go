package construct

import (
	"fmt"

	"github.com/vsnctl/vsnctl/hosts"
)

// Tenant is a request that was admitted and what it holds.
type Tenant struct {
	sub *Substrate
	q   *Request
	e   *Embedding
}

// Admit decides a request and takes what it needs, or says why not. The search may
// explore most nodes, where the mean decision takes mean. A no is proved where it says
// that no host has room; that the search gave up proves nothing.
func (x *Search) Admit(q *Request, mean, most int64) (*Tenant, string) {
	if q.why != "" {
		return nil, q.why
	}
	if why := x.lacking(q); why != "" {
		x.thrift.note(true)
		return nil, why
	}
	before := x.nodes
	e := x.Find(q, mean, most)
	if x.Thrifty {
		if why := x.thrift.judge(q, e); why != "" {
			return nil, why
		}
	}
	if e == nil {
		return nil, fmt.Sprintf("gave up after %d nodes: %s", x.nodes-before, x.obstacle())
	}
	x.state.take(q, e)
	return &Tenant{x.sub, q, e}, ""
}

// Release gives back what a tenant holds.
func (x *Search) Release(t *Tenant) {
	x.state.release(t.q, t.e)
}

// lacking looks for a seat that no host has room for now, which is a proof.
func (x *Search) lacking(q *Request) string {
	for v := range q.seats {
		st := &q.seats[v]
		some := false
		for h := int32(0); h < x.sub.hosts && !some; h++ {
			some = (st.allowed == nil || st.allowed[h]) && x.state.adjacent[h] >= st.leaving && x.state.holds(st, h)
		}
		if !some {
			return fmt.Sprintf("vm %q: no host has room for it now: memory, counts, processor time, or %d bit/s free on its cables", q.network.VMs[st.vms[0]].Name, st.leaving)
		}
	}
	return ""
}

// obstacle names the seat at which most constructions ended.
func (x *Search) obstacle() string {
	worst := 0
	for v := range x.blame {
		if x.blame[v] > x.blame[worst] {
			worst = v
		}
	}
	return fmt.Sprintf("vm %q was the one that found no host, or no way there, most often; a placement may exist", x.q.network.VMs[x.q.seats[worst].vms[0]].Name)
}

// Names are the answer in the words of the inventory: the host of each VM, the nodes of
// each link's path, the cables where nodes alone do not tell, and the CPU of each
// reservation (of the vCPUs, then of the device threads) where a host has scheduling
// domains.
func (t *Tenant) Names() (seats map[string]string, routes, cables map[string][]string, cpus map[string][]int) {
	s, n := t.sub, t.q.network
	seats, routes = map[string]string{}, map[string][]string{}
	for i := range n.VMs {
		h := t.e.seats[t.q.seatOf[i]]
		seats[n.VMs[i].Name] = s.names[h]
	}
	for v := range t.q.seats {
		if h := t.e.seats[v]; s.inventory.Hosts[h].Partition {
			if cpus == nil {
				cpus = map[string][]int{}
			}
			t.cpus(int32(v), &s.inventory.Hosts[h], cpus)
		}
	}
	for l := range n.Links {
		e := t.q.links[l].ends
		at := t.e.seats[e[0]]
		path, over, plain := []string{s.names[at]}, []string{}, true
		for _, c := range t.e.paths[l] {
			ends := s.cables[c].ends
			plain = plain && s.only(ends[0], ends[1])
			at = ends[0] + ends[1] - at
			path = append(path, s.names[at])
			over = append(over, s.inventory.Cables[c].Name)
		}
		routes[n.Links[l].Name] = path
		if !plain {
			if cables == nil {
				cables = map[string][]string{}
			}
			cables[n.Links[l].Name] = over
		}
	}
	return seats, routes, cables, cpus
}

// only reports whether one cable joins two nodes.
func (s *Substrate) only(a, b int32) bool {
	count := 0
	for _, arc := range s.arcs[s.first[a]:s.first[a+1]] {
		if arc.to == b {
			count++
		}
	}
	return count == 1
}

// cpus reads the bins of a seat back: first the vCPUs, the largest first, then the
// device threads of each VM.
func (t *Tenant) cpus(v int32, h *hosts.Host, out map[string][]int) {
	st := &t.q.seats[v]
	first := t.sub.domains[t.e.seats[v]]
	for i, d := range t.e.bins[v] {
		var vm int32
		if i < len(st.vcpus) {
			vm = st.owner[i]
		} else {
			vm = st.vms[i-len(st.vcpus)]
		}
		name := t.q.network.VMs[vm].Name
		out[name] = append(out[name], h.CPUs[d-first].ID)
	}
}

func (st *State) take(q *Request, e *Embedding) {
	for v := range q.seats {
		s, h := &q.seats[v], e.seats[v]
		for k, need := range s.room {
			st.room[h*st.sub.dims+int32(k)] -= need
		}
		for i, d := range e.bins[v] {
			st.grant(d, s.thread(st.sub, h, i))
		}
	}
	for l, path := range e.paths {
		for _, c := range path {
			st.carry(c, q.links[l].rate)
		}
	}
}

func (st *State) release(q *Request, e *Embedding) {
	for v := range q.seats {
		st.leave(&q.seats[v], e.seats[v], e.bins[v])
	}
	for l, path := range e.paths {
		for _, c := range path {
			st.carry(c, -q.links[l].rate)
		}
	}
}
