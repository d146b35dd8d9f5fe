package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/proof"
	"github.com/vsnctl/vsnctl/placement/solve"
)

// examplePlans plans every file of examples/ with networks: on the inventory NAME-hosts.yaml
// beside NAME.yaml, or else on hosts.yaml.
func examplePlans(t *testing.T) map[string]*placement.Plan {
	t.Helper()
	files, err := filepath.Glob(example("*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	plans := map[string]*placement.Plan{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		inventory := example(name + "-hosts.yaml")
		if _, err := os.Stat(inventory); err != nil {
			inventory = example("hosts.yaml")
		}
		networks, _, err := term.documents(named([]string{file}))
		if err != nil {
			t.Fatal(err)
		}
		if len(networks) == 0 {
			continue
		}
		_, given, err := term.documents(named([]string{inventory}))
		if err != nil {
			t.Fatal(err)
		}
		plans[name], err = solve.Solve(t.Context(), placement.Problem{Networks: networks, Inventory: *given}, solve.Options{Seed: 1})
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	if len(plans) < 4 {
		t.Fatalf("only %d examples found", len(plans))
	}
	return plans
}

// number is one number of a plan file: where it stands, and under which key.
type number struct {
	from, to int
	at       string // as in problem.networks[0].vms[1].memory
	part     span   // what has to be read anew when it is changed
}

// span is a value of a plan file: where it stands, and under which key.
type span struct {
	from, to int
	at       string
}

// parts are the values that can be read by themselves.
var parts = regexp.MustCompile(`^(digests|problem|embedding|realization|proof\.claims\[\d+\]|proof\.rests\[\d+\])$`)

// numeral is a number inside a text: "20ms", "39/14", "pn1", the digits of a digest.
var numeral = regexp.MustCompile(`[0-9]+(\.[0-9]+)?`)

// numbersOf finds every number of a plan file, inside texts too.
func numbersOf(t *testing.T, file []byte) []number {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(file))
	dec.UseNumber()
	var found []number
	var walk func(path string)
	walk = func(path string) {
		before, first := int(dec.InputOffset()), len(found)
		token, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		switch v := token.(type) {
		case json.Delim:
			for i := 0; dec.More(); i++ {
				inner := fmt.Sprintf("%s[%d]", path, i)
				if v == '{' {
					key, err := dec.Token()
					if err != nil {
						t.Fatal(err)
					}
					inner = strings.TrimPrefix(path+"."+key.(string), ".")
				}
				walk(inner)
			}
			if _, err := dec.Token(); err != nil {
				t.Fatal(err)
			}
		case json.Number:
			to := int(dec.InputOffset())
			found = append(found, number{from: to - len(v.String()), to: to, at: path})
		case string:
			texts := numeral.FindAllIndex(file[before:dec.InputOffset()], -1)
			if strings.HasSuffix(path, ".sha256") {
				texts = texts[:1] // a digest is one number, however many runs of digits it has
			}
			for _, at := range texts {
				found = append(found, number{from: before + at[0], to: before + at[1], at: path})
			}
		}
		if parts.MatchString(path) {
			from := before + bytes.IndexAny(file[before:], "{[")
			for i := range found[first:] {
				found[first+i].part = span{from, int(dec.InputOffset()), path}
			}
		}
	}
	walk("")
	return found
}

// changesOf are what a number is changed to: one more, one less, twice as much, nothing.
func changesOf(text string) []string {
	x, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	one := big.NewRat(1, 1)
	var out []string
	for _, y := range []*big.Rat{new(big.Rat).Add(x, one), new(big.Rat).Sub(x, one), new(big.Rat).Add(x, x), new(big.Rat)} {
		if y.Cmp(x) != 0 {
			written := y.FloatString(9)
			if strings.Contains(written, ".") {
				written = strings.TrimRight(strings.TrimRight(written, "0"), ".")
			}
			out = append(out, written)
		}
	}
	return out
}

// unused are the numbers of a plan that no claim is made of, and why. Their digest alone
// keeps them: who seals the plan again has another plan, just as good.
var unused = map[string]string{
	"seed":                                    "what is found may depend on it, not whether it holds",
	"problem.networks[].vms[].boot.kernel":    "a path",
	"problem.networks[].vms[].boot.initrd":    "a path",
	"problem.networks[].vms[].boot.cmdline":   "what a guest does is declared by its tasks and flows",
	"problem.inventory.hosts[].address":       "where a machine is",
	"problem.inventory.hosts[].cpus":          "one on which nothing runs may be there or not",
	"problem.inventory.hosts[].cpus[].id":     "a name, where nothing runs there",
	"problem.inventory.hosts[].cpus[].node":   "nodes are not planned with",
	"problem.inventory.hosts[].resources.gpu": "nobody asks for one",
	"problem.inventory.cables[].device":       "a name",
	"realization.queues[].class":              "any number serves that no other class of its place has",
	"realization.queues[].limitBytes":         "of a port that no flow sends through: of that nothing is claimed",
}

// freed are numbers that may be 0, which leaves them to the planner: what the plan has
// is then one answer.
var freed = []string{"problem.networks[].vms[].reservation.runtime", "problem.networks[].links[].burst"}

var index = regexp.MustCompile(`\[\d+\]`)

// mayRest tells whether a promise may rest on a number: not if it is of a host on which
// nothing sits, or of a switch or cable that no route passes.
func mayRest(plan *placement.Plan, n number, is string) bool {
	inventory := &plan.Problem.Inventory
	for list, name := range map[string]func(i int) string{
		"hosts":    func(i int) string { return inventory.Hosts[i].Name },
		"switches": func(i int) string { return inventory.Switches[i].Name },
		"cables":   func(i int) string { return inventory.Cables[i].Name },
	} {
		var i int
		if _, err := fmt.Sscanf(n.at, "problem.inventory."+list+"[%d]", &i); err == nil && !carries(plan, name(i)) {
			return false
		}
	}
	var i int
	if _, err := fmt.Sscanf(n.at, "realization.queues[%d].limitBytes", &i); err == nil && plan.Realization.Queues[i].At != placement.AtPort {
		return true
	}
	key := index.ReplaceAllString(n.at, "[]")
	return unused[key] == "" && !(is == "0" && slices.Contains(freed, key))
}

// carries tells whether a VM sits on the host, or a route passes the node or cable.
func carries(plan *placement.Plan, name string) bool {
	return slices.ContainsFunc(plan.Embedding.Seats, func(s placement.Seat) bool { return s.Host == name }) ||
		slices.ContainsFunc(plan.Embedding.Routes, func(r placement.Route) bool {
			return slices.Contains(r.Path, name) || slices.Contains(r.Cables, name)
		})
}

// TestEveryNumberOfTheExamples changes every number of the plan of every example, one
// at a time. `vsnctl check` must refuse each change and name what is broken; and it must
// do so of each number that a promise rests on even where the digests were made anew.
func TestEveryNumberOfTheExamples(t *testing.T) {
	for name, plan := range examplePlans(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyNumber(t, plan)
		})
	}
}

func everyNumber(t *testing.T, plan *placement.Plan) {
	var buffer bytes.Buffer
	enc := json.NewEncoder(&buffer)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(plan); err != nil {
		t.Fatal(err)
	}
	file := buffer.Bytes()
	if err := refusal(file); err != nil {
		t.Fatalf("unchanged: %v", err)
	}
	changes, by := 0, map[string]int{}
	for _, n := range numbersOf(t, file) {
		was := string(file[n.from:n.to])
		for _, is := range changesOf(was) {
			here := fmt.Sprintf("%s: %s changed to %s", n.at, was, is)
			p, err := changed(plan, file, n, is)
			if err == nil {
				err = proof.Check(p)
			}
			rule := ruleOf(t, here, err)
			if changes%100 == 0 { // what is read in part is now and then read as the command does
				if as := ruleOf(t, here, refusal(replaced(file, 0, len(file), n, is))); as != rule {
					t.Errorf("%s: the command says that it breaks %s, not %s", here, as, rule)
				}
			}
			by[rule]++
			changes++
			if rule != proof.RuleDigest || strings.HasPrefix(n.at, "digests") {
				continue
			}
			if err := p.Seal(); err != nil {
				t.Fatal(err)
			}
			if err := proof.Check(p); err != nil {
				t.Errorf("%s: sealed again it breaks %v, and that was not named first", here, err)
			} else if mayRest(plan, n, is) {
				t.Errorf("%s: only the digest has it, and a promise may rest on it", here)
			}
		}
	}
	if changes < 1000 {
		t.Errorf("only %d changes: the test does not see the plan", changes)
	}
	t.Logf("%d changes, refused by %v", changes, by)
}

// replaced is a part of a file with a number in it changed.
func replaced(file []byte, from, to int, n number, is string) []byte {
	return slices.Concat(file[from:n.from], []byte(is), file[n.to:to])
}

// changed is the plan of a file with a number in it changed. Only the part that it
// stands in is read again, since reading takes most of the time.
func changed(plan *placement.Plan, file []byte, n number, is string) (*placement.Plan, error) {
	if n.part.at == "" {
		return decodePlan("plan", replaced(file, 0, len(file), n, is))
	}
	p := *plan
	dec := json.NewDecoder(bytes.NewReader(replaced(file, n.part.from, n.part.to, n, is)))
	dec.DisallowUnknownFields()
	var i int
	switch index.ReplaceAllString(n.part.at, "[]") {
	case "digests":
		p.Digests = nil
		return &p, dec.Decode(&p.Digests)
	case "problem":
		p.Problem = placement.Problem{}
		if err := dec.Decode(&p.Problem); err != nil {
			return nil, err
		}
		return &p, validProblem("plan", &p)
	case "embedding":
		p.Embedding = placement.Embedding{}
		return &p, dec.Decode(&p.Embedding)
	case "realization":
		p.Realization = placement.Realization{}
		return &p, dec.Decode(&p.Realization)
	case "proof.claims[]":
		if _, err := fmt.Sscanf(n.part.at, "proof.claims[%d]", &i); err != nil {
			return nil, err
		}
		p.Proof.Claims = slices.Clone(p.Proof.Claims)
		p.Proof.Claims[i] = placement.Claim{}
		return &p, dec.Decode(&p.Proof.Claims[i])
	case "proof.rests[]":
		if _, err := fmt.Sscanf(n.part.at, "proof.rests[%d]", &i); err != nil {
			return nil, err
		}
		p.Proof.Rests = slices.Clone(p.Proof.Rests)
		p.Proof.Rests[i] = placement.Assumption{}
		return &p, dec.Decode(&p.Proof.Rests[i])
	}
	return nil, fmt.Errorf("part %s cannot be read by itself", n.part.at)
}

// refusal checks a plan file as the command does.
func refusal(file []byte) error {
	p, err := decodePlan("plan", file)
	if err != nil {
		return err
	}
	return holds(p, file)
}

// headings are those of docs/theory.md that are names of rules.
var headings = sync.OnceValue(func() []string {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "theory.md"))
	if err != nil {
		panic(err)
	}
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^## ([a-z0-9-]+)$`).FindAllSubmatch(text, -1) {
		out = append(out, string(m[1]))
	}
	return out
})

// ruleOf is the rule that a refusal names, which must have a heading, or "reading" for
// what cannot even be read.
func ruleOf(t *testing.T, here string, err error) string {
	t.Helper()
	var b *proof.Broken
	switch {
	case err == nil:
		t.Fatalf("%s: the plan still passes", here)
	case errors.As(err, &b):
		if b.Subject == "" || b.Says == "" || !slices.Contains(headings(), b.Rule) {
			t.Errorf("%s: %v names no rule of docs/theory.md", here, err)
		}
		return b.Rule
	}
	return "reading"
}
