package proof

import (
	"cmp"
	"slices"

	"github.com/vsnctl/vsnctl/placement"
)

// Derivation is the proof of an answer together with what it was derived from, so that
// the proof of an answer that differs in little costs little: Derive once, then Again
// for each change. It does not change; Again gives another, and the one before stays
// good, so that a change which does not hold is forgotten by going on from the old one.
//
// A Derivation keeps what it was given. The problem, the embedding and the realization,
// and all that they point to, must not be written to afterwards: a changed answer is
// given in slices of its own, which may share their elements with the old ones.
type Derivation struct{ *derivation }

// derivation is all claims, each with what it is about, so that it can be kept while
// that does not change.
type derivation struct {
	*model
	paths  *paths
	hosts  []*hostPiece        // nil: it carries nothing
	nets   []*netPiece         // by slot
	cables [][]placement.Claim // none: nothing passes
	once   []placement.Claim   // of networks with a confidence, and of pins: derived each time
}

// hostPiece is what is claimed of a host.
type hostPiece struct {
	claims []placement.Claim
	rests  []placement.Assumption
	holds  bool // all of it
}

// netPiece is what is claimed of a network.
type netPiece struct {
	looked int64 // arrivals that its flows made the derivation look at
	rules  []placement.Claim
	tasks  []placement.Claim
	paths  [][]placement.Claim // of each path, and the classes on its way
	ports  []placement.Claim
	flows  []placement.Claim
	holds  bool // all of it
}

// hold reports whether all claims hold.
func hold(rows ...[]placement.Claim) bool {
	for _, r := range rows {
		for i := range r {
			if !r[i].Holds() {
				return false
			}
		}
	}
	return true
}

// Derive is Prove, with what it takes to derive again. Errors are those of Prove.
func Derive(p *placement.Problem, e *placement.Embedding, r *placement.Realization) (*Derivation, error) {
	m, err := newModel(p, e, r)
	if err != nil {
		return nil, err
	}
	d, err := m.derive()
	if err != nil {
		return nil, err
	}
	return &Derivation{d}, nil
}

// derive derives every claim.
func (m *model) derive() (*derivation, error) {
	d := &derivation{model: m, paths: newPaths(m), hosts: make([]*hostPiece, len(m.inventory.Hosts)), nets: make([]*netPiece, len(m.parts)), cables: make([][]placement.Claim, len(m.inventory.Cables))}
	if err := eachOrFail(len(d.paths.lines), d.deriveLine); err != nil {
		return nil, err
	}
	each(len(d.hosts), d.deriveHost)
	each(len(m.order), func(i int) { d.deriveNet(m.order[i]) })
	each(len(d.cables), d.deriveCable)
	d.once = append(m.networkClaims(), m.pinClaims()...)
	return d, nil
}

func (d *derivation) deriveHost(i int) {
	d.hosts[i] = nil
	if len(d.at[i]) > 0 {
		claims := d.hostClaims(i)
		d.hosts[i] = &hostPiece{claims, append(d.vmRests(i), d.hostRests(i)...), hold(claims)}
	}
}

func (d *derivation) deriveNet(slot int32) {
	p := d.parts[slot]
	n := &netPiece{rules: p.ruleClaims(), paths: make([][]placement.Claim, len(p.paths))}
	for k := range p.paths {
		n.paths[k] = d.paths.claims(p.paths[k])
	}
	d.nets[slot] = n
	d.deriveFlows(p, n)
}

// deriveFlows derives what depends on what else runs on the hosts of a network, and on
// the delays of its links.
func (d *derivation) deriveFlows(p *part, n *netPiece) {
	n.tasks = d.taskClaims(p)
	fs := newFlows(d.model, d.paths, p)
	n.ports, n.flows, n.looked = fs.portClaims(), fs.claims(), fs.looked
	n.holds = hold(n.rules, n.tasks, n.ports, n.flows) && hold(n.paths...)
}

func (d *derivation) deriveLine(id int) error {
	l := d.paths.lines[id]
	if l == nil {
		return nil
	}
	l.buffers = d.paths.buffersOf(l)
	return d.paths.classes(l)
}

func (d *derivation) deriveCable(i int) {
	d.cables[i] = nil
	if d.passed(i) {
		d.cables[i] = []placement.Claim{d.cableClaim(i)}
	}
}

// passed reports whether a link passes a cable.
func (d *derivation) passed(cable int) bool {
	for _, l := range d.paths.lines[2*cable : 2*cable+2] {
		if l != nil && len(l.users) > 0 {
			return true
		}
	}
	return false
}

// over are the links over a cable, in the order of the problem, each by its path from
// the first of its ends.
func (d *derivation) over(cable int) (out []user) {
	for _, l := range d.paths.lines[2*cable : 2*cable+2] {
		if l == nil {
			continue
		}
		for _, u := range l.users {
			if u.path%2 == 0 {
				out = append(out, u)
			}
		}
	}
	slices.SortFunc(out, func(a, b user) int {
		return cmp.Or(cmp.Compare(d.place[a.slot], d.place[b.slot]), cmp.Compare(a.path, b.path))
	})
	return out
}

// Proof is all claims and assumptions. To put those of a large plan in a row takes
// longer than to derive a small change: ask once it is to be written.
func (d *Derivation) Proof() placement.Proof { return d.proof() }

// proof puts the claims in their order. What it has taken over is let go of, so that a
// derivation which nobody keeps is not in memory beside the whole.
func (d *derivation) proof() placement.Proof {
	rows, rests := d.rows(), d.rests()
	count := 0
	for _, r := range rows {
		count += len(r)
	}
	out := placement.Proof{Claims: make([]placement.Claim, 0, count), Rests: rests}
	for _, n := range d.nets {
		if n != nil {
			out.Looked += n.looked
		}
	}
	for i, r := range rows {
		out.Claims = append(out.Claims, r...)
		rows[i] = nil
	}
	return out
}

// rows are all claims in their order.
func (d *derivation) rows() (out [][]placement.Claim) {
	for _, h := range d.hosts {
		if h != nil {
			out = append(out, h.claims)
		}
	}
	ofOdds := len(d.once) - len(d.problem.Pins)
	out = append(out, d.once[:ofOdds])
	d.eachNet(func(n *netPiece) { out = append(out, n.rules) })
	out = append(out, d.once[ofOdds:])
	out = append(out, d.cables...)
	d.eachNet(func(n *netPiece) { out = append(out, n.tasks) })
	out = append(out, d.paths.cycleClaims())
	d.eachNet(func(n *netPiece) { out = append(out, n.paths...) })
	d.paths.eachBuffer(func(b *buffer) { out = append(out, b.claims) })
	d.eachNet(func(n *netPiece) { out = append(out, n.ports) })
	d.eachNet(func(n *netPiece) { out = append(out, n.flows) })
	return append(out, d.costClaims(), d.objectiveClaims())
}

func (d *derivation) eachNet(visit func(*netPiece)) {
	for _, slot := range d.order {
		visit(d.nets[slot])
	}
}

// Failing lists the claims that do not hold, in the order of the proof.
func (d *Derivation) Failing() []placement.Claim {
	if d.holds() {
		return nil
	}
	var out []placement.Claim
	for _, r := range d.rows() {
		out = append(out, Failing(placement.Proof{Claims: r})...)
	}
	return out
}

// holds reports whether all claims hold. Nothing limits what waits in switches, what a
// cycle takes, what a plan costs.
func (d *derivation) holds() bool {
	for _, h := range d.hosts {
		if h != nil && !h.holds {
			return false
		}
	}
	for _, slot := range d.order {
		if !d.nets[slot].holds {
			return false
		}
	}
	return hold(d.once) && hold(d.cables...)
}
