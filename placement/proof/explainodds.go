package proof

import (
	"math/big"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
)

// odds says how sure all of the above is.
func (e *explanation) odds(c placement.Claim) {
	if c.Bound.Big().Sign() == 0 {
		e.printf("\nNetwork %s is to have its processor time with confidence while it is active, and has it always: no CPU\nthat it runs on is overbooked.\n", e.network)
		return
	}
	e.printf("\nAll of this holds while network %s has its processor time on every CPU that it runs on, by %s:\n", e.network, c.Rule)
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
