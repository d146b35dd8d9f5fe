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
	// Remedies are changes of the request, any one of which makes a plan possible.
	Remedies []Remedy `json:"remedies,omitempty"`
}

func (c Conflict) String() string {
	text := fmt.Sprintf("%s: %s: need %v, have %v %s: %s", strings.Join(c.Subjects, ", "), c.Rule, c.Need, c.Have, c.Unit, c.Says)
	for i, r := range c.Remedies {
		text += []string{": ", "; or "}[min(i, 1)] + r.String()
	}
	return text
}

// Infeasible is a proved no: no placement can exist, because of these conflicts,
// the first budget that fails in front.
type Infeasible struct {
	Conflicts []Conflict `json:"conflicts"`
}

func (e *Infeasible) Error() string {
	lines := make([]string, len(e.Conflicts))
	for i, c := range e.Conflicts {
		lines[i] = c.String()
	}
	return "infeasible: " + strings.Join(lines, "\n            ")
}

// GaveUp is no answer: the work allowed was spent, and a placement may exist.
type GaveUp struct {
	Nodes int64  `json:"nodes"` // explored
	Why   string `json:"why"`   // which limit, and what to raise
	// Nearest is the conflict that was met last; not a proof.
	Nearest *Conflict `json:"nearest,omitempty"`
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
	return text
}

// Cut is what phase two tells phase one: these decisions together do not work. Any
// embedding that contains all of them fails for the same reason.
type Cut struct {
	Seats    []Seat
	Routes   []Route
	Conflict Conflict
}

func (c *Cut) Error() string { return "cut: " + c.Conflict.String() }
