// Package milp writes a problem as a mixed-integer linear program, in the LP format of
// CPLEX, which every solver reads: a second opinion on the planner by code that knows
// nothing of it.
//
// It solves nothing and shares nothing with the planner. Variables have short names,
// numbered in the order of the problem; comments at the top of the file say what each
// number stands for:
//
//	x3_2      vm 3 sits on host 2
//	n3_2_1    vCPUs of vm 3 on CPU 1 of host 2 (by its place in the inventory)
//	e3_2_1    the device threads of vm 3 are on CPU 1 of host 2
//	f4_7_0    link 4 passes cable 7 from its first end to its second (1: the other way)
//	u2        the largest reservation on host 2
//	y2        host 2 is on
//	z         the largest part of a budget that is taken, in millionths
//
// What is not linear is left out, so that the program is a relaxation where delays or
// deadlines are asked for: it counts the way of links and the work of flows, no
// queues. All else is exact. Start at Write.
package milp

import (
	"bufio"
	"fmt"
	"io"
	"math/big"
	"slices"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

// program is what is needed to write one.
type program struct {
	out     *bufio.Writer
	p       *placement.Problem
	inv     *hosts.Inventory
	vms     []vm
	links   []link
	nodes   map[string]int // hosts, then switches
	arcs    [][]arc        // by node
	budgets []int64        // by cable
	column  int            // where the line that is being written ends
	rows    int
	general []string // integers that are not binary
}

type vm struct {
	network *vsn.Network
	*vsn.VM
	allowed []bool // by host
}

type link struct {
	network *vsn.Network
	*vsn.Link
	ends [2]int // VMs
}

// arc is one direction of a cable, out of a node.
type arc struct{ to, cable, direction int }

// Write writes the program. The problem is one that has been read: its names resolve.
func Write(w io.Writer, p *placement.Problem) error {
	g, err := newProgram(w, p)
	if err != nil {
		return err
	}
	g.comments()
	g.objective()
	g.text("Subject To\n")
	g.seats()
	g.rules()
	g.budgetsOfHosts()
	g.processors()
	g.paths()
	g.cables()
	g.delays()
	g.costs()
	g.variables()
	g.text("End\n")
	return g.out.Flush()
}

func newProgram(w io.Writer, p *placement.Problem) (*program, error) {
	g := &program{out: bufio.NewWriterSize(w, 1<<16), p: p, inv: &p.Inventory, nodes: map[string]int{}}
	for i := range g.inv.Hosts {
		g.nodes[g.inv.Hosts[i].Name] = i
	}
	for i := range g.inv.Switches {
		g.nodes[g.inv.Switches[i].Name] = len(g.inv.Hosts) + i
	}
	g.arcs = make([][]arc, len(g.inv.Hosts)+len(g.inv.Switches))
	for i := range g.inv.Cables {
		c := &g.inv.Cables[i]
		for d := range 2 {
			from, to := g.nodes[c.Between[d]], g.nodes[c.Between[1-d]]
			g.arcs[from] = append(g.arcs[from], arc{to, i, d})
		}
		g.budgets = append(g.budgets, int64(c.Usable()))
	}
	index := map[[2]string]int{}
	for i := range p.Networks {
		n := &p.Networks[i]
		for j := range n.VMs {
			index[[2]string{n.Name, n.VMs[j].Name}] = len(g.vms)
			g.vms = append(g.vms, vm{n, &n.VMs[j], g.allowed(n, &n.VMs[j])})
		}
		for j := range n.Links {
			l := &n.Links[j]
			g.links = append(g.links, link{n, l, [2]int{index[[2]string{n.Name, l.Between[0]}], index[[2]string{n.Name, l.Between[1]}]}})
		}
	}
	for i := range p.Networks {
		if _, confidence := p.Networks[i].Odds(); confidence < vsn.One {
			return nil, fmt.Errorf("network %s is content with less than certainty (confidence), which is not linear", p.Networks[i].Name)
		}
	}
	for _, v := range g.vms {
		if v.Reservation != nil && v.Reservation.Runtime == 0 || len(v.Tasks) > 0 {
			return nil, fmt.Errorf("vm %s/%s leaves its reservation to the planner: a linear program has no choice of it, give runtime and period", v.network.Name, v.Name)
		}
	}
	return g, nil
}

// allowed is the hosts that labels and pins leave a VM.
func (g *program) allowed(n *vsn.Network, v *vsn.VM) []bool {
	out := make([]bool, len(g.inv.Hosts))
	pin := g.p.Pin(n.Name, v.Name)
	for h := range g.inv.Hosts {
		out[h] = pin == "" || pin == g.inv.Hosts[h].Name
		for i := range n.Place {
			if _, ok := g.inv.Hosts[h].Labels[n.Place[i].Over]; !ok && slices.Contains(n.Place[i].Spread, v.Name) {
				out[h] = false
			}
			if !slices.Contains(n.Place[i].VMs, v.Name) {
				continue
			}
			for label, value := range n.Place[i].On {
				if have, ok := g.inv.Hosts[h].Labels[label]; !ok || have != value {
					out[h] = false
				}
			}
		}
	}
	return out
}

// comments map numbers to names.
func (g *program) comments() {
	g.text("\\ Written by vsnctl plan --export. Names of variables:\n")
	g.text("\\ x<vm>_<host>: it sits there; n<vm>_<host>_<cpu>: vCPUs there; e<vm>_<host>_<cpu>: device threads there;\n")
	g.text("\\ f<link>_<cable>_<direction>: it passes it, 0 from its first end; u<host>: largest reservation; y<host>: it is on; z: balance, ppm\n")
	for i, v := range g.vms {
		g.text(fmt.Sprintf("\\ vm %d = %s/%s\n", i, v.network.Name, v.Name))
	}
	for i, l := range g.links {
		g.text(fmt.Sprintf("\\ link %d = %s/%s (%s > %s)\n", i, l.network.Name, l.Name, l.Between[0], l.Between[1]))
	}
	for i := range g.inv.Hosts {
		g.text(fmt.Sprintf("\\ host %d = %s\n", i, g.inv.Hosts[i].Name))
	}
	for i := range g.inv.Cables {
		g.text(fmt.Sprintf("\\ cable %d = %s (%s > %s)\n", i, g.inv.Cables[i].Name, g.inv.Cables[i].Between[0], g.inv.Cables[i].Between[1]))
	}
}

func (g *program) text(s string) { g.out.WriteString(s) }

// term is a coefficient and a variable.
type term struct {
	by   *big.Rat
	name string
}

func whole(by int64, name string) term { return term{new(big.Rat).SetInt64(by), name} }

// row writes one constraint; operator is <=, >= or =.
func (g *program) row(kind string, terms []term, operator string, limit *big.Rat) {
	terms = merged(terms)
	if len(terms) == 0 {
		if holds(operator, limit) {
			return
		}
		terms = []term{whole(0, "one")} // nothing can keep it, and the solver is to see that
	}
	g.rows++
	g.column = 0
	g.word(fmt.Sprintf("%s_%d:", kind, g.rows))
	g.sum(terms)
	g.word(operator + " " + decimal(limit))
	g.text("\n")
}

// merged adds up what a row has of one variable, since readers differ in what they make
// of a variable that is there twice.
func merged(terms []term) []term {
	at := make(map[string]int, len(terms))
	out := terms[:0:0]
	for _, t := range terms {
		if i, twice := at[t.name]; twice {
			out[i].by = new(big.Rat).Add(out[i].by, t.by)
			continue
		}
		at[t.name] = len(out)
		out = append(out, t)
	}
	return out
}

func holds(operator string, limit *big.Rat) bool {
	switch operator {
	case "<=":
		return limit.Sign() >= 0
	case ">=":
		return limit.Sign() <= 0
	}
	return limit.Sign() == 0
}

func (g *program) sum(terms []term) {
	for _, t := range terms {
		sign := "+"
		by := t.by
		if by.Sign() < 0 {
			sign, by = "-", new(big.Rat).Neg(by)
		}
		if by.Cmp(unit) == 0 {
			g.word(sign + " " + t.name)
		} else {
			g.word(sign + " " + decimal(by) + " " + t.name)
		}
	}
}

var unit = big.NewRat(1, 1)

// most is the length of a line, for readers with a limit of 255 (some have 510).
const mostColumns = 200

func (g *program) word(s string) {
	if g.column+len(s) > mostColumns {
		g.text("\n")
		g.column = 0
	}
	g.text(" " + s)
	g.column += len(s) + 1
}

// decimal writes a number as solvers read it: 15 digits, which is what a double keeps.
func decimal(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return fmt.Sprintf("%.15g", f)
}

// most integers of a row are under this, or the row is left as fractions.
var mostInteger = big.NewInt(1 << 40)

// integers writes a row over integer variables, at most limit, with the least integers
// that mean the same: scaled by the common denominator, divided by what all
// coefficients have in common, the limit rounded down, which loses nothing.
func (g *program) integers(kind string, terms []term, limit *big.Rat) {
	scale := big.NewInt(1)
	for _, t := range terms {
		d := t.by.Denom()
		scale.Mul(scale, new(big.Int).Quo(d, new(big.Int).GCD(nil, nil, scale, d)))
		if scale.Cmp(mostInteger) > 0 {
			g.row(kind, terms, "<=", limit)
			return
		}
	}
	terms = merged(terms)
	common := new(big.Int)
	scaled := make([]*big.Int, len(terms))
	for i, t := range terms {
		v := new(big.Rat).Mul(t.by, new(big.Rat).SetInt(scale))
		scaled[i] = v.Num()
		common.GCD(nil, nil, common, new(big.Int).Abs(v.Num()))
	}
	if common.Sign() == 0 {
		g.row(kind, nil, "<=", limit)
		return
	}
	out := make([]term, 0, len(terms))
	for i, t := range terms {
		if scaled[i].Sign() != 0 {
			out = append(out, term{new(big.Rat).SetInt(new(big.Int).Quo(scaled[i], common)), t.name})
		}
	}
	factor := new(big.Rat).SetFrac(scale, common)
	bound := new(big.Rat).Mul(limit, factor)
	floor := new(big.Int).Div(bound.Num(), bound.Denom()) // Euclidean: down, the denominator being positive
	g.row(kind, out, "<=", new(big.Rat).SetInt(floor))
}
