package placement

import (
	"fmt"
	"strings"
)

// Conflict is a budget that cannot be kept: why there is no placement.
type Conflict struct {
	Rule     string   `json:"rule"`
	Subjects []string `json:"subjects"`
	Need     Rat      `json:"need"`
	Have     Rat      `json:"have"`
	Unit     string   `json:"unit"`
	Says     string   `json:"says"` // the same as a sentence
}

func (c Conflict) String() string {
	return fmt.Sprintf("%s: %s: need %v, have %v %s: %s", strings.Join(c.Subjects, ", "), c.Rule, c.Need, c.Have, c.Unit, c.Says)
}

// Limit is one thing that a placement has to keep to and that could be otherwise: a
// budget of a host or of a cable, a rule, a pin, a deadline. What it is about is named as
// in a Change.
type Limit struct {
	Rule    string `json:"rule"`    // a heading of docs/theory.md
	Subject string `json:"subject"` // "host a", "cable a--b", "network n", "vm n/v", "flow n/f", "link n/l"
	Field   string `json:"field"`   // "memory", "place[1]", "pin", "deadline"
	Is      string `json:"is"`      // as in a document, or a rule in words
	// Also is how many more hosts or cables of a large inventory have the same limit, and
	// are in conflict as this one is.
	Also int `json:"also,omitempty"`
	// Need is the least with which the set conflicts no more, the other limits being
	// as they are, written as Is; "" where it is no number, or was not found.
	Need string `json:"need,omitempty"`
	// Spared says that without this limit the others of the set have a placement;
	// otherwise that is not known.
	Spared bool `json:"spared"`
}

func (l Limit) String() string {
	subject := l.Subject
	if l.Also > 0 {
		subject += fmt.Sprintf(" and %d like it", l.Also)
	}
	text := fmt.Sprintf("%s of %s: %s", l.Field, subject, l.Is)
	switch {
	case l.Need != "":
		text += fmt.Sprintf(", and at least %s would be needed", l.Need)
	}
	if !l.Spared {
		text += " (whether it could be spared is not known)"
	}
	return text
}

// Set is a set of limits that no placement keeps together, whatever all other limits
// were: proved.
type Set struct {
	Limits []Limit `json:"limits"`
	// Networks are those whose VMs, links and flows conflict with the limits, if not all:
	// Least and Fewest, and what limits need, are then said of those alone.
	Networks []string `json:"networks,omitempty"`
	// Least says that no limit can be spared: without any one of them the others have
	// a placement. Fewest says that no set of fewer limits conflicts.
	Least  bool `json:"least"`
	Fewest bool `json:"fewest"`
}

func (s *Set) lines() (out []string) {
	of := ""
	if len(s.Networks) > 0 {
		of = " with network " + strings.Join(s.Networks, ", ") + " alone"
	}
	switch {
	case len(s.Limits) == 1 && of == "":
		out = append(out, "this limit alone is in conflict with what is asked:")
	case len(s.Limits) == 1:
		out = append(out, "this limit is in conflict"+of+":")
	case s.Fewest:
		out = append(out, fmt.Sprintf("these %d limits conflict%s, and no fewer:", len(s.Limits), of))
	case s.Least:
		out = append(out, fmt.Sprintf("these %d limits conflict%s, and without any one of them the others would not:", len(s.Limits), of))
	default:
		out = append(out, fmt.Sprintf("these %d limits conflict%s, and perhaps fewer of them do:", len(s.Limits), of))
	}
	for i, l := range s.Limits {
		if i == mostLines && len(s.Limits) > mostLines+1 {
			return append(out, fmt.Sprintf("  and %d more", len(s.Limits)-i))
		}
		out = append(out, "  "+l.String())
	}
	return out
}

// mostLines is how many limits of a set are printed; --format json has all.
const mostLines = 12

// explained is the lines about a set and the remedies, indented.
func explained(set *Set, remedies []Remedy) (out string) {
	var lines []string
	if set != nil {
		lines = set.lines()
	}
	for _, r := range remedies {
		lines = append(lines, r.String())
	}
	for _, l := range lines {
		out += "\n  " + l
	}
	return out
}

// Infeasible is a proved no: no placement can exist, because of these conflicts,
// the first budget that fails in front.
type Infeasible struct {
	Conflicts []Conflict `json:"conflicts"`
	// Set is the least set of limits that was found to conflict; nil where none was
	// looked for, or the work allowed was spent before one was proved.
	Set *Set `json:"set,omitempty"`
	// Remedies are changes of the request or of the inventory, any one of which makes a
	// plan possible: one was found with it. The cheapest first.
	Remedies []Remedy `json:"remedies,omitempty"`
}

func (e *Infeasible) Error() string {
	lines := make([]string, len(e.Conflicts))
	for i, c := range e.Conflicts {
		lines[i] = c.String()
	}
	return "infeasible: " + strings.Join(lines, "\n            ") + explained(e.Set, e.Remedies)
}

// GaveUp is no answer: the work allowed was spent, and a placement may exist.
type GaveUp struct {
	Nodes int64  `json:"nodes"` // explored
	Why   string `json:"why"`   // which limit, and what to raise
	// Nearest is the conflict that was met last; not a proof.
	Nearest *Conflict `json:"nearest,omitempty"`
	// Remedies are as those of Infeasible: with each of them a plan was found.
	Remedies []Remedy `json:"remedies,omitempty"`
}

func (e *GaveUp) Error() string {
	text := "gave up"
	if e.Nodes > 0 {
		text += fmt.Sprintf(" after %d nodes", e.Nodes)
	}
	text += ": " + e.Why + ": a placement may exist"
	if e.Nearest != nil {
		text += "; the last obstacle was " + e.Nearest.String()
	}
	return text + explained(nil, e.Remedies)
}

// Cut is what phase two tells phase one: these decisions together do not work. Any
// embedding that contains all of them fails for the same reason.
type Cut struct {
	Seats    []Seat
	Routes   []Route
	Conflict Conflict
}

func (c *Cut) Error() string { return "cut: " + c.Conflict.String() }
