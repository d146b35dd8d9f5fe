package proof

import (
	"fmt"
	"io"
	"math/big"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
)

// theorems are, for each rule, what it rests on, in a sentence with its source.
var theorems = map[string]string{
	RuleRequest: `Messages of all flows that pass a VM are served first come first served by one vCPU, which has Q of
processor time every P. The delay is the largest horizontal distance between what they ask and the
inverse of the least supply (Le Boudec and Thiran 2001, theorem 1.4.2; Shin and Lee 2003).`,
	RuleDevice: `The same for the frames of the messages in the device threads of a VM.`,
	RuleShaper: `A token bucket (r, b) delays what comes at once, s bytes of all flows of the link, by at most
max(0, s - b) / r (Le Boudec and Thiran 2001, section 1.5).`,
	RuleHops: `What conforms to a link's rate and burst waits, on each cable, for one burst of every link that
shares it and a frame that had begun: first come first served at the rate of the cable (Cruz
1991), in any order at what the others leave (Le Boudec and Thiran 2001, theorem 6.2.1).`,
	RuleLinkTandem: `What other links leave of a cable is a rate and a latency; in a row the latencies add up, the link's
own burst is paid once, where the least rate is left, and a frame at each other cable, since it
goes on when it has come whole (Le Boudec and Thiran 2001, sections 1.4.3 and 2.1).`,
	RuleLinkPMOO: `Each burst of another link is paid once, too, where it joins, though it shares several cables in a
row (pay multiplexing only once: Schmitt, Zdarsky and Martinovic 2008).`,
	RuleBusy: `The guest's tasks come before messages: a message is done by the end of the longest busy period of
both (Lehoczky 1990; Shin and Lee 2003).`,
	RuleJoin: `Work begins when the message has come over every way.`,
	RuleTandem: `What a stage leaves beside all other traffic is a rate and a latency; in a row the latencies add up,
and the flow's own burst is paid once, at the slowest stage (Le Boudec and Thiran 2001, theorems
1.4.6 and 6.2.2).`,
	RuleOdds: `Networks are active independently of one another, each as a whole. While this one is, the others that
are active with it leave it its processor time on all its CPUs with the probability of all sets of active
networks that fit, by convolution: exactly, or where there are very many, rounded against this network
(Konstanteli, Cucinotta, Psychas and Varvarigou 2014; Harris 1960).`,
	RuleStages: `Delays of stages in a row add up; behind a stage with delay d a message may be d late, which later
stages count as jitter (Tindell and Clark 1994).`,
}

// Explain writes the derivation of one flow's bound, "network/flow", as a person
// would write it down: each stage with the numbers that went in and its theorem, the
// sum, the deadline and the slack. The error says that there is no such flow.
func Explain(w io.Writer, p *placement.Plan, flow string) error {
	subject := "flow " + flow
	var chain []placement.Claim
	links := map[string]placement.Claim{}
	network, _, _ := strings.Cut(flow, "/")
	var odds *placement.Claim
	known := []string{}
	for _, c := range p.Proof.Claims {
		switch {
		case c.Rule == RuleLink:
			links[c.Subject] = c
		case c.Rule == RuleOdds && c.Subject == "network "+network:
			odds = &c
		case c.Subject == subject || strings.HasPrefix(c.Subject, subject+" stage ") || strings.HasPrefix(c.Subject, subject+" at "):
			chain = append(chain, c)
		}
		if c.Rule == RuleEndToEnd {
			known = append(known, strings.TrimPrefix(c.Subject, "flow "))
		}
	}
	if len(chain) == 0 {
		return fmt.Errorf("no flow %q in the plan: it has %s", flow, strings.Join(known, ", "))
	}
	e := &explanation{w: w, network: network, links: links, said: map[string]bool{}}
	fmt.Fprintf(w, "Flow %s. Times in ns unless said otherwise.\n", flow)
	for _, c := range chain {
		e.claim(c)
	}
	if odds != nil {
		e.odds(*odds)
	}
	return e.err
}

type explanation struct {
	w       io.Writer
	network string
	links   map[string]placement.Claim
	said    map[string]bool // theorems that were written out
	err     error
}

func (e *explanation) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(e.w, format, args...); err != nil && e.err == nil {
		e.err = err
	}
}

func (e *explanation) claim(c placement.Claim) {
	switch c.Rule {
	case RuleEndToEnd:
		e.verdict(c)
		return
	case RuleStages, RuleTandem:
		e.sum(c)
		return
	}
	e.printf("\n%s, by %s:\n", strings.TrimPrefix(c.Subject, "flow "), c.Rule)
	e.theorem(c.Rule)
	e.terms(c)
	e.printf("    bound                            %v\n", c.Bound)
}

func (e *explanation) theorem(rule string) {
	if e.said[rule] {
		return
	}
	e.said[rule] = true
	for line := range strings.Lines(theorems[rule]) {
		e.printf("    | %s\n", strings.TrimSpace(line))
	}
}

func (e *explanation) terms(c placement.Claim) {
	for _, t := range c.Terms {
		e.printf("    %-32s %v\n", t.Name, t.Value)
	}
}

// sum writes terms that add up to a bound, ways over links taken apart.
func (e *explanation) sum(c placement.Claim) {
	e.printf("\nThe whole, by %s:\n", c.Rule)
	e.theorem(c.Rule)
	for _, t := range c.Terms {
		e.printf("    %14v  %s\n", t.Value, t.Name)
		if link, ok := e.link(t.Name); ok && c.Rule == RuleStages {
			if len(link.Terms) > 1 {
				e.theorem(link.By)
			}
			for _, part := range link.Terms {
				e.printf("                    = %v  %s\n", part.Value, part.Name)
			}
		}
	}
	e.printf("    --------------\n    %14v  in all\n", c.Bound)
}

// verdict holds the lesser of the bounds against the deadline.
func (e *explanation) verdict(c placement.Claim) {
	e.printf("\nBoth bounds hold, so the lesser does:\n    %14v  the bound\n", c.Bound)
	if c.Why != "" {
		e.printf("    %14s  %s\n", "because", c.Why)
	}
	if c.Limit.IsInf() {
		e.printf("No deadline was asked for.\n")
		return
	}
	e.printf("    %14v  the deadline\n", c.Limit)
	if !c.Holds() {
		e.printf("The deadline does not hold.\n")
		return
	}
	slack := c.Limit.Big()
	e.printf("    %14v  the slack: the deadline holds.\n", placement.FromBig(slack.Sub(slack, c.Bound.Big())))
}

// odds says how sure all of the above is.
func (e *explanation) odds(c placement.Claim) {
	if c.Bound.Big().Sign() == 0 {
		e.printf("\nNetwork %s is to have its processor time with confidence while it is active, and has it always: no CPU\nthat it runs on is overbooked.\n", e.network)
		return
	}
	e.printf("\nAll of this holds while network %s has its processor time on every CPU that it runs on, by %s:\n", e.network, c.Rule)
	e.theorem(c.Rule)
	for _, t := range c.Terms {
		e.printf("    %-32s %v\n", t.Name, t.Value)
	}
	e.printf("    %-32s %v, about %.6g\n", "probability that it has not", c.Bound, c.Bound.Float())
	e.printf("    %-32s %v\n", "accepted, 1 - confidence", c.Limit)
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

// link finds the claim behind a term "link NAME from>to".
func (e *explanation) link(term string) (placement.Claim, bool) {
	name, ok := strings.CutPrefix(term, "link ")
	if !ok {
		return placement.Claim{}, false
	}
	c, ok := e.links["link "+e.network+"/"+name]
	return c, ok
}
