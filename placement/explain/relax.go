package explain

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vsnctl/vsnctl/placement"
)

// mostRemedies is how many are told.
const mostRemedies = 5

// found is a knob and where it does.
type found struct {
	knob   knob
	x      int64
	proved bool // with less there is no placement
	looked bool // with less none was found
}

// remedies looks for the cheapest changes with which there is a plan: one, of each
// kind that may help, or where no single one does, two, or where that is not enough
// either, as many as it takes.
func (e *explanation) remedies() []placement.Remedy {
	if !e.planner.Affords(e.all) {
		return nil // what is not planned is not told
	}
	var out []placement.Remedy
	for _, k := range e.knobs() {
		if k.last && len(out) > 0 || e.spent() {
			continue
		}
		if f, ok := e.single(k); ok {
			out = append(out, f.remedy())
		}
	}
	if len(out) == 0 {
		out = e.pairs()
	}
	if len(out) == 0 {
		out = e.chain()
	}
	return cheapest(out)
}

// single looks for the least of one knob.
func (e *explanation) single(k knob) (found, bool) {
	if k.all {
		v, _ := e.trial(e.all, k.changes)(k.least, true)
		return found{knob: k, x: k.least}, v == Yes
	}
	if n, ok := e.needs[k.limit]; ok && n.sort == k.sort {
		k.least = max(k.least, n.x) // with less the set conflicts
	}
	try := e.trial(e.Problem, k.changes)
	x, ok, before := least(k, try)
	proved := before == No && k.exact && (e.Proved || x > k.least)
	if v, _ := try(x, true); !ok || v != Yes {
		return found{}, false
	}
	f := found{k, x, proved, before != Yes}
	if e.confirmed(k.changes(x)) {
		return f, true
	}
	return e.beside(f)
}

// beside looks further for what does not do beside all the other networks.
func (e *explanation) beside(f found) (found, bool) {
	k := f.knob
	if k.least = f.x + k.step; k.least > k.most {
		return found{}, false
	}
	try := e.trial(e.all, k.changes)
	x, ok, before := least(k, try)
	if v, _ := try(x, true); !ok || v != Yes {
		return found{}, false
	}
	return found{k, x, before == No && k.exact && x > k.least, before != Yes && x > k.least}, true
}

func (f found) remedy() placement.Remedy {
	out := placement.Remedy{Changes: f.knob.changes(f.x), Cost: f.knob.cost(f.x)}
	if f.knob.less != nil && f.looked {
		out.Step = f.knob.less(f.x)
		out.Least, out.Lowers = f.proved && out.Step != "", strings.HasSuffix(f.knob.sort, " less")
	}
	if f.knob.says != nil {
		out.Says = f.knob.says(f.x)
	}
	return out
}

// knobs are those that may help: what makes a limit of the core more generous, what
// asks for less of it, and more hosts. Where there is no core, the conflicts say what
// it is about.
func (e *explanation) knobs() (out []knob) {
	about, resources := map[kind]bool{}, map[string]bool{}
	c := e.catalog
	for i, l := range c.limits {
		if e.core != nil && e.core[i] || e.core == nil && e.mentions(i) {
			about[l.kind] = true
			if l.kind == ofResource {
				resources[l.resource] = true
			}
			out = append(out, c.raising(i)...)
		}
	}
	for i := range out {
		e.floor(&out[i])
	}
	if timely := e.timely(); len(e.Conflicts) > 0 && e.Conflicts[0].Rule != "end-to-end" {
		out = append(timely, out...)
	} else {
		out = append(out, timely...)
	}
	out = append(out, c.lowering(about, resources)...)
	if about[ofMemory] || about[ofProcessor] || about[ofResource] || about[ofPlace] || about[ofRate] {
		out = append(out, c.moreHosts()...)
		out = append(out, e.without()...)
	}
	return slices.DeleteFunc(distinct(out), func(k knob) bool { return k.least > k.most })
}

// distinct leaves out knobs that do what one before them does.
func distinct(all []knob) (out []knob) {
	seen := map[string]bool{}
	for _, k := range all {
		if k.least > k.most {
			continue
		}
		key := ""
		for _, c := range k.changes(k.most) {
			key += c.Subject + " " + c.Field + ";"
		}
		if strings.HasSuffix(k.sort, " less") {
			key += "less"
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		out = append(out, k)
	}
	return out
}

// floor starts the knob of a deadline at what is needed wherever VMs sit.
func (e *explanation) floor(k *knob) {
	if !e.Needed || k.field != "deadline" || k.limit < 0 {
		return
	}
	for _, c := range e.Conflicts {
		if c.Rule == "end-to-end" && !c.Need.IsInf() && c.Subjects[0] == e.catalog.describe(k.limit).Subject {
			k.least = max(k.least, quotient(ceilOf(c.Need), k.step)*k.step)
		}
	}
}

// mentions reports whether the first conflict of a refusal speaks of a limit.
func (e *explanation) mentions(i int) bool {
	if len(e.Conflicts) == 0 {
		return false
	}
	conflict, l := e.Conflicts[0], e.catalog.describe(i)
	switch l.Rule {
	case "apart", "together", "spread", "labels", "pinned":
		return l.Rule == conflict.Rule
	}
	if l.Rule != conflict.Rule {
		return false
	}
	names := []string{l.Subject, "all hosts"}
	for _, other := range e.catalog.limits[i].also {
		if strings.HasPrefix(l.Subject, "host ") {
			names = append(names, "host "+e.Problem.Inventory.Hosts[other].Name)
		}
	}
	return slices.ContainsFunc(conflict.Subjects, func(s string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return s == name || strings.HasPrefix(s, name+" ") })
	})
}

// timely is the knobs of times and rates for what the first conflict is about.
func (e *explanation) timely() []knob {
	if len(e.Conflicts) == 0 {
		return nil
	}
	c := e.Conflicts[0]
	if key, ok := keyOf(c.Subjects[0], "flow "); ok && !(c.Need.IsInf() && len(c.Subjects) > 1) {
		return e.catalog.forFlow(key, e.Conflicts)
	}
	for _, of := range []string{"link ", "queue "} {
		if key, ok := keyOf(c.Subjects[0], of); ok {
			return e.catalog.forLink(key, c)
		}
	}
	switch key, ok := keyOf(c.Subjects[0], "vm "); c.Rule {
	case "request-stage", "guest-edf", "guest-fixed-priority":
		if ok {
			return e.catalog.forVM(key, c)
		}
	case "partitioned-edf", "gfb":
		return []knob{e.catalog.forAll()}
	}
	return nil
}

// keyOf takes "link net/name a>b" apart.
func keyOf(subject, kind string) (key [2]string, ok bool) {
	rest, ok := strings.CutPrefix(subject, kind)
	of, _, _ := strings.Cut(rest, " ")
	network, name, found := strings.Cut(of, "/")
	return [2]string{network, name}, ok && found
}

// cheapest is the remedies that are told: one of each sort first, the cheapest of it,
// then others, in the order of their costs.
func cheapest(all []placement.Remedy) []placement.Remedy {
	slices.SortStableFunc(all, func(a, b placement.Remedy) int { return cmp.Compare(a.Cost, b.Cost) })
	var first, rest []placement.Remedy
	seen := map[string]bool{}
	for _, r := range all {
		sort := ""
		for _, c := range r.Changes {
			field, _, _ := strings.Cut(c.Field, "[")
			sort += c.Subject[:3] + field + ";"
		}
		if seen[sort] {
			rest = append(rest, r)
			continue
		}
		seen[sort] = true
		first = append(first, r)
	}
	out := append(first, rest...)
	out = out[:min(len(out), mostRemedies)]
	slices.SortStableFunc(out, func(a, b placement.Remedy) int { return cmp.Compare(a.Cost, b.Cost) })
	return out
}
