package main

import (
	"io"
	"math/big"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
)

// oddsTable shows the networks that ask for their processor time with a confidence: how
// likely they have it while they are active, rounded down.
func oddsTable(out io.Writer, p *placement.Plan) {
	w := newTable("", "network", "active", "confidence", "has its cpus")
	rows := 0
	for i := range p.Problem.Networks {
		n := &p.Problem.Networks[i]
		if n.Confidence == 0 {
			continue
		}
		active, confidence := n.Odds()
		has := "always"
		for _, c := range p.Proof.Claims {
			if c.Rule == proof.RuleOdds && c.Subject == "network "+n.Name && c.Bound.Cmp(placement.Int(0)) > 0 {
				has = atLeast(c.Bound)
			}
		}
		w.AppendRow([]any{n.Name, active, confidence, has})
		rows++
	}
	if rows > 0 {
		render(out, w)
	}
}

// atLeast is 1 - risk as a decimal of six digits, rounded down.
func atLeast(risk placement.Rat) string {
	const digits = 1_000_000
	p := new(big.Rat).Sub(big.NewRat(1, 1), risk.Big())
	p.Mul(p, big.NewRat(digits, 1))
	floor := new(big.Int).Div(p.Num(), p.Denom())
	return strings.TrimRight(strings.TrimRight(new(big.Rat).SetFrac(floor, big.NewInt(digits)).FloatString(6), "0"), ".")
}

// oddsOffered is what an overbooked CPU offers, as the claims of the networks on it say.
func oddsOffered(p *placement.Plan, subject string) float64 {
	for _, c := range p.Proof.Claims {
		for _, t := range c.Terms {
			if c.Rule == proof.RuleOdds && t.Name == subject+" offers" {
				return t.Value.Float()
			}
		}
	}
	return 0
}
