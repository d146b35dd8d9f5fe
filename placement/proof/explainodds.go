package proof

import (
	"math/big"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
)

// overbooked writes what all networks together ask of CPUs that cannot give it.
func (e *explanation) overbooked(c placement.Claim) {
	e.printf("\n%s, by %s:\n", c.Subject, c.Rule)
	e.printf("    | With all networks active at once, more is asked for than there is. Nothing limits that: how likely each\n")
	e.printf("    | network has its processor time is what is claimed of the network.\n")
	e.sum(c)
}

// odds says how sure all of the above is.
func (e *explanation) odds(c placement.Claim) {
	if c.Bound.Big().Sign() == 0 {
		e.printf("\n%s is to have its processor time with confidence while it is active, and has it always: no CPU\nthat it runs on is overbooked.\n", strings.Replace(c.Subject, "network", "Network", 1))
		return
	}
	e.printf("\nAll of this holds while %s has its processor time on every CPU that it runs on, by %s:\n", c.Subject, c.Rule)
	e.theorem(c.Rule)
	for _, t := range c.Terms {
		e.printf("    %-40s %s\n", t.Name, quantity(c, t))
	}
	e.printf("    %-40s %v, about %.6g\n", "probability that it has not", c.Bound, c.Bound.Float())
	e.printf("    %-40s %v\n", "accepted, 1 - confidence", c.Limit)
	e.printf("So the bounds hold with a probability of at least %s while the network is active", down(c.Bound.Big()))
	e.printf(" (%s).\n", map[bool]string{true: "as asked", false: "less than asked"}[c.Holds()])
}

// down is 1 - risk as a decimal of nine digits, rounded down.
func down(risk *big.Rat) string {
	const digits = 1_000_000_000
	p := risk.Sub(big.NewRat(1, 1), risk)
	p.Mul(p, big.NewRat(digits, 1))
	floor := new(big.Int).Div(p.Num(), p.Denom())
	text := new(big.Rat).SetFrac(floor, big.NewInt(digits)).FloatString(9)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}
