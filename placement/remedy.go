package placement

import (
	"fmt"
	"strings"
)

// Remedy is a change that makes a plan possible: it was planned with it. With a change
// that is less by Step, none was found.
type Remedy struct {
	Changes []Change `json:"changes"` // one, or several that are needed together
	Step    string   `json:"step,omitempty"`
	// Least says that it is proved that with anything less there is no plan.
	Least bool `json:"least,omitempty"`
	// Lowers says that a number is to be less than it is: Step less of the change is more
	// of the number.
	Lowers bool   `json:"lowers,omitempty"`
	Says   string `json:"says,omitempty"` // all changes in few words, where they are many
	// Cost orders remedies, as docs/refusals.md has it, in thousandths.
	Cost int64 `json:"cost"`
}

func (r Remedy) String() string {
	says := r.Says
	if says == "" {
		var list []string
		for _, c := range r.Changes {
			list = append(list, c.String())
		}
		says = strings.Join(list, ", and ")
	}
	text, less := fmt.Sprintf("with %s there is a plan", says), "less"
	if r.Lowers {
		less = "more"
	}
	switch {
	case r.Least:
		text += fmt.Sprintf(" (with %s there is none)", less)
	case r.Step != "":
		text += fmt.Sprintf(" (with %s %s none was found)", r.Step, less)
	}
	return text
}

// Change is one thing that a request or an inventory would have to say differently: To
// is what Field of Subject is to be, written as in a document; "" where it is to be left
// out.
type Change struct {
	// Subject is "flow net/name", "link net/name", "vm net/name", "task net/vm/name",
	// "network name", "host name" or "cable name".
	Subject string `json:"subject"`
	// Field is a key of the object, and runtime and period those of a VM's reservation;
	// "resources.gpu" counts, "place[1]" is a rule of a network, from 0, "pin" what the
	// plan was asked for beside the documents, and "like" is how many more hosts there
	// are to be that are as this one, with cables as it has them. Of a network "" is
	// all of it.
	Field string `json:"field"`
	To    string `json:"to"`
	Was   string `json:"was,omitempty"` // what it is now, where that is known
}

func (c Change) String() string {
	resource, counted := strings.CutPrefix(c.Field, "resources.")
	switch {
	case c.Field == "vcpus" || c.Field == "cpus":
		return fmt.Sprintf("%s %s for %s", c.To, c.Field, c.Subject)
	case counted:
		return fmt.Sprintf("%s %s for %s", c.To, resource, c.Subject)
	case c.Field == "every":
		return fmt.Sprintf("a message every %s of %s", c.To, c.Subject)
	case c.Field == "like" && c.To == "1":
		return fmt.Sprintf("one more host like %s", c.Subject[len("host "):])
	case c.Field == "like":
		return fmt.Sprintf("%s more hosts like %s", c.To, c.Subject[len("host "):])
	case c.Field == "transit" || c.Field == "partition":
		return fmt.Sprintf("%s: %s for %s", c.Field, c.To, c.Subject)
	case c.Field == "":
		return "no " + c.Subject
	case c.To == "" && c.Was != "":
		return fmt.Sprintf("no %s of %s (%s)", c.Field, c.Subject, c.Was)
	case c.To == "":
		return fmt.Sprintf("no %s of %s", c.Field, c.Subject)
	}
	return fmt.Sprintf("a %s of %s for %s", c.Field, c.To, c.Subject)
}
