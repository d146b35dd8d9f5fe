package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/vsn"
)

const (
	ms = vsn.Duration(1e6)
	us = vsn.Duration(1e3)
)

// robot is a problem with its answer, small enough to be added up by hand: three
// VMs in a chain, the first on host a, the others on host b behind switch s.
func robot() *placement.Plan {
	vm := func(name string, q, p vsn.Duration) vsn.VM {
		return vsn.VM{Name: name, VCPUs: 1, Memory: 96 << 20, Reservation: &vsn.Reservation{Runtime: q, Period: p}, Resources: map[string]int64{"gpu": 1}}
	}
	host := func(name string) hosts.Host {
		return hosts.Host{Name: name, CPUs: hosts.CountedCPUs(2), Share: vsn.One * 9 / 10, Grain: 4 * ms, Memory: 1 << 30, Resources: map[string]int64{"gpu": 2},
			Delay: 100 * us, Partition: true, Accel: hosts.AccelTCG, Labels: map[string]string{"site": name}, Emulator: &hosts.Emulator{Runtime: 4 * ms, Period: 20 * ms, Work: 50 * us}}
	}
	p := &placement.Plan{Version: placement.PlanVersion, Seed: 1}
	p.Problem = placement.Problem{
		Networks: []vsn.Network{{Name: "robot",
			VMs: []vsn.VM{vm("camera", 20*ms, 100*ms), vm("detect", 20*ms, 50*ms), vm("arm", 10*ms, 50*ms)},
			Links: []vsn.Link{
				{Name: "frames", Between: []string{"camera", "detect"}, Rate: 20e6, Burst: 32 << 10, Delay: 5 * ms},
				{Name: "moves", Between: []string{"detect", "arm"}, Rate: 5e6, Burst: 16 << 10}},
			Flows: []vsn.Flow{{Name: "see-and-act", Path: []vsn.Stage{{"camera"}, {"detect"}, {"arm"}}, Message: 8 << 10, Every: 100 * ms,
				Work: map[string]vsn.Duration{"camera": ms, "detect": 5 * ms, "arm": ms}, Deadline: 800 * ms}},
			Place: []vsn.Rule{{Apart: []string{"camera", "detect"}}, {Together: []string{"detect", "arm"}}, {VMs: []string{"camera"}, On: map[string]string{"site": "a"}}},
		}},
		Inventory: hosts.Inventory{Hosts: []hosts.Host{host("a"), host("b")}, Switches: []hosts.Switch{{Name: "s", Delay: 5 * us}},
			Cables: []hosts.Cable{
				{Name: "a--s", Between: []string{"a", "s"}, Rate: 1e9, Share: vsn.One * 95 / 100, Delay: 2 * us},
				{Name: "s--b", Between: []string{"s", "b"}, Rate: 1e9, Share: vsn.One * 95 / 100, Delay: 2 * us}}},
	}
	p.Embedding = placement.Embedding{
		Seats: []placement.Seat{{Network: "robot", VM: "camera", Host: "a"}, {Network: "robot", VM: "detect", Host: "b"}, {Network: "robot", VM: "arm", Host: "b"}},
		Routes: []placement.Route{
			{Network: "robot", Link: "frames", Path: []string{"a", "s", "b"}, Cables: []string{"a--s", "s--b"}},
			{Network: "robot", Link: "moves", Path: []string{"b"}}},
	}
	r := func(vm, host string, cpu int, q, p vsn.Duration) placement.Reservation {
		return placement.Reservation{Network: "robot", VM: vm, Host: host, CPU: cpu, RuntimeNs: int64(q), PeriodNs: int64(p)}
	}
	e := func(vm, host string, cpu int) placement.Emulator {
		return placement.Emulator{Network: "robot", VM: vm, Host: host, CPU: cpu, RuntimeNs: 4e6, PeriodNs: 20e6}
	}
	q := func(link, from, to, host, at string, class int, rate, burst int64) placement.Queue {
		return placement.Queue{Network: "robot", Link: link, From: from, To: to, Host: host, At: at, Class: class, RateBit: rate, BurstBytes: burst, LimitBytes: 64 << 10}
	}
	p.Realization = placement.Realization{
		Reservations: []placement.Reservation{r("camera", "a", 0, 20*ms, 100*ms), r("detect", "b", 0, 20*ms, 50*ms), r("arm", "b", 1, 10*ms, 50*ms)},
		Emulators:    []placement.Emulator{e("camera", "a", 1), e("detect", "b", 1), e("arm", "b", 0)},
		Queues: []placement.Queue{
			q("frames", "camera", "detect", "a", placement.AtPort, 0x10, 20e6, 32<<10), q("frames", "camera", "detect", "a", "a--s", 0x10, 20e6, 32<<10),
			q("frames", "detect", "camera", "b", placement.AtPort, 0x10, 20e6, 32<<10), q("frames", "detect", "camera", "b", "s--b", 0x10, 20e6, 32<<10),
			q("moves", "detect", "arm", "b", placement.AtPort, 0x11, 5e6, 16<<10), q("moves", "arm", "detect", "b", placement.AtPort, 0x10, 5e6, 16<<10)},
	}
	return p
}

// proved seals the plan with its own proof.
func proved(t *testing.T, p *placement.Plan) *placement.Plan {
	t.Helper()
	var err error
	if p.Proof, err = Prove(&p.Problem, &p.Embedding, &p.Realization); err != nil {
		t.Fatal(err)
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

func claim(t *testing.T, p placement.Proof, subject, rule string) placement.Claim {
	t.Helper()
	for _, c := range p.Claims {
		if c.Subject == subject && c.Rule == rule {
			return c
		}
	}
	t.Fatalf("no claim %q by %q", subject, rule)
	return placement.Claim{}
}

// TestByHand compares with sums made on paper, from the formulas of docs/theory.md.
func TestByHand(t *testing.T) {
	p := proved(t, robot())
	for _, c := range []struct {
		subject, rule string
		bound         placement.Rat
	}{
		{"host b memory", RuleMemory, placement.Int(192 << 20)},
		{"host b resource gpu", RuleResource, placement.Int(2)},
		{"host a cpu 0", RuleEDF, placement.Frac(1, 5)},
		{"host b cpu 0", RuleEDF, placement.Frac(3, 5)}, // 20/50 + 4/20
		{"host b cpu 1", RuleEDF, placement.Frac(2, 5)}, // 10/50 + 4/20
		{"cable a--s", RuleCable, placement.Int(20e6)},
		// Largest frame on the cable: 1450 + 38 + 50 = 1538 B. 32768 + 1538 = 34306 B leave the
		// port at once, 250 more reach a's cable, 100 us * 20 Mbit/s. One frame had begun:
		// 36094 B = 288752 ns at 1 Gbit/s that nobody else takes of, + 2 us + 100 us.
		// 388752 ns from the port (as a tandem of one: 12304 + 102000 + 274448) and the switch's
		// 5 us let the burst grow by 984.38 -> 985 B; there 35291 + 1538 = 36829 B = 294632 ns,
		// + 2 us + 5 us; + 100 us in host b.
		{"link robot/frames camera>detect", RuleHops, placement.Int(390752 + 301632 + 100000)},
		// A frame had begun at each hop, 12304 ns; one has to come whole before it goes on;
		// the burst of 34306 B once, 274448 ns.
		{"link robot/frames camera>detect", RuleLinkTandem, placement.Int(12304 + 102000 + 12304 + 12304 + 7000 + 274448 + 100000)},
		{"link robot/frames camera>detect", RuleLinkPMOO, placement.Int(2*12304 + 102000 + 2*12304 + 7000 + 274448 + 100000)},
		{"link robot/frames camera>detect", RuleLink, placement.Int(520360)},
		{"link robot/moves detect>arm", RuleLink, placement.Int(100000)},
		// 8192 B in ceil(8192/1422) = 6 frames: 6*(28+38+50) B of headers.
		{"queue robot/frames camera>detect", RuleLoad, placement.Int((8192 + 6*116) * 80)},
		{"flow robot/see-and-act stage 1: work at camera", RuleRequest, placement.Int(169e6)}, // 1 + 80*2 + 2*4
		// 169 ms late at most, every 100 ms: two messages may come at once. 2*6*50us + 16*2 + 2*4.
		{"flow robot/see-and-act stage 2: devices of camera (camera>detect)", RuleDevice, placement.Int(600e3 + 40e6)},
	} {
		if got := claim(t, p.Proof, c.subject, c.rule); got.Bound.Cmp(c.bound) != 0 {
			t.Errorf("%s by %s: bound %v, by hand %v", c.subject, c.rule, got.Bound, c.bound)
		}
	}
	if err := Check(p); err != nil {
		t.Error(err)
	}
}

// TestSums adds a flow's chain up as a reader would: each of the two ways to its
// bound, and the bound itself, which is the lesser.
func TestSums(t *testing.T) {
	p := proved(t, robot())
	bounds := map[string]placement.Rat{}
	for rule, terms := range map[string]int{RuleStages: 11, RuleTandem: 20, RuleEndToEnd: 20} {
		c := claim(t, p.Proof, "flow robot/see-and-act", rule)
		sum := placement.Int(0)
		for _, term := range c.Terms {
			sum = sum.Add(term.Value)
		}
		if len(c.Terms) != terms || sum.Cmp(c.Bound) != 0 || sum.IsInf() {
			t.Errorf("%s: %d terms sum to %v, bound %v", rule, len(c.Terms), sum, c.Bound)
		}
		bounds[rule] = c.Bound
	}
	if bounds[RuleEndToEnd].Cmp(bounds[RuleTandem]) != 0 || bounds[RuleTandem].Cmp(bounds[RuleStages]) >= 0 {
		t.Errorf("bounds %v: messages that are late come together, and the tandem pays for that once", bounds)
	}
}

// TestRefuses breaks one thing at a time and wants it named.
func TestRefuses(t *testing.T) {
	for _, c := range []struct {
		want  string
		wreck func(p *placement.Plan)
	}{
		{"vm robot/arm: structure: it has no seat", func(p *placement.Plan) { p.Embedding.Seats = p.Embedding.Seats[:2] }},
		{"vm robot/arm: structure: it has two seats", func(p *placement.Plan) {
			p.Embedding.Seats = append(p.Embedding.Seats, p.Embedding.Seats[2])
		}},
		{"does not join the hosts of its ends", func(p *placement.Plan) { p.Embedding.Seats[0].Host = "b" }},
		{"network robot place 0 (camera, detect): apart", func(p *placement.Plan) { onOneHost(p) }},
		{"it has no route", func(p *placement.Plan) { p.Embedding.Routes = p.Embedding.Routes[:1] }},
		{"passes \"s\", which does not forward", func(p *placement.Plan) {
			p.Problem.Inventory.Hosts = append(p.Problem.Inventory.Hosts, hosts.Host{Name: "s", CPUs: hosts.CountedCPUs(1)})
			p.Problem.Inventory.Switches = nil
		}},
		{"host b memory: memory: bound 201326592 B exceeds limit 100663296 B", func(p *placement.Plan) { p.Problem.Inventory.Hosts[1].Memory = 96 << 20 }},
		{"host b resource gpu: resource: bound 2 1 exceeds limit 1 1", func(p *placement.Plan) { p.Problem.Inventory.Hosts[1].Resources = map[string]int64{"gpu": 1} }},
		{"host b cpu 0: partitioned-edf: bound 3/5 cpu exceeds limit 1/2 cpu", func(p *placement.Plan) { p.Problem.Inventory.Hosts[1].Share = vsn.One / 2 }},
		{"cable a--s: cable-rate: bound 20000000 bit/s exceeds limit 19000000 bit/s", func(p *placement.Plan) {
			p.Problem.Inventory.Cables[0].Share = vsn.One * 19 / 1000
		}},
		{"link robot/frames camera>detect: link-delay", func(p *placement.Plan) { p.Problem.Networks[0].Links[0].Delay = 520 * us }},
		{"flow robot/see-and-act: end-to-end", func(p *placement.Plan) { p.Problem.Networks[0].Flows[0].Deadline = 500 * ms }},
		{"20000000ns/100000000ns is granted, 30ms/100ms is asked", func(p *placement.Plan) {
			p.Problem.Networks[0].VMs[0].Reservation.Runtime = 30 * ms
		}},
		{"it has no reservation", func(p *placement.Plan) { p.Realization.Emulators = p.Realization.Emulators[:2] }},
		{"queue robot/moves arm>detect at port of host b: structure: it is missing", func(p *placement.Plan) {
			p.Realization.Queues = p.Realization.Queues[:5]
		}},
		{"names no cpu", func(p *placement.Plan) {}},
	} {
		p := robot()
		c.wreck(p)
		var err error
		if p.Proof, err = Prove(&p.Problem, &p.Embedding, &p.Realization); err == nil {
			if err = p.Seal(); err == nil {
				err = Check(p)
			}
		}
		if c.want == "names no cpu" {
			if err != nil {
				t.Errorf("nothing is wrong, and yet: %v", err)
			}
			continue
		}
		var b *Broken
		if !errors.As(err, &b) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q, got %v", c.want, err)
		}
	}
}

// onOneHost seats everything on host a, correctly but for the rule.
func onOneHost(p *placement.Plan) {
	p.Problem.Inventory.Hosts[0].Resources["gpu"] = 3
	for i := range p.Embedding.Seats {
		p.Embedding.Seats[i].Host = "a"
		p.Realization.Reservations[i].Host, p.Realization.Emulators[i].Host = "a", "a"
	}
	p.Embedding.Routes[0] = placement.Route{Network: "robot", Link: "frames", Path: []string{"a"}}
	p.Embedding.Routes[1].Path = []string{"a"}
	var ports []placement.Queue
	for _, q := range p.Realization.Queues {
		if q.At == placement.AtPort {
			q.Host = "a"
			ports = append(ports, q)
		}
	}
	p.Realization.Queues = ports
}

// TestBestEffortHasNoBound: without a reservation there is no promise, and a
// deadline through it is refused.
func TestBestEffortHasNoBound(t *testing.T) {
	p := robot()
	p.Problem.Networks[0].VMs[2].Reservation = nil
	p.Realization.Reservations = p.Realization.Reservations[:2]
	proof, err := Prove(&p.Problem, &p.Embedding, &p.Realization)
	if err != nil {
		t.Fatal(err)
	}
	end := claim(t, proof, "flow robot/see-and-act", RuleEndToEnd)
	if !end.Bound.IsInf() || end.Holds() {
		t.Fatalf("bound %v, holds %v", end.Bound, end.Holds())
	}
	p.Problem.Networks[0].Flows[0].Deadline = 0
	if proof, err = Prove(&p.Problem, &p.Embedding, &p.Realization); err != nil || len(Failing(proof)) > 0 {
		t.Fatalf("without a deadline nothing was asked: %v, %v", err, Failing(proof))
	}
}

// TestEveryNumber changes each number of a valid plan, one at a time, up and down,
// and wants the reader or the checker to refuse it.
func TestEveryNumber(t *testing.T) {
	if numbers := everyNumber(t, proved(t, robot())); numbers < 300 {
		t.Fatalf("only %d numbers found: the test does not see the plan", numbers)
	}
}

func everyNumber(t *testing.T, p *placement.Plan) (numbers int) {
	t.Helper()
	var file bytes.Buffer
	if err := placement.Write(&file, p); err != nil {
		t.Fatal(err)
	}
	for start := 0; start < file.Len(); {
		from, to := nextNumber(file.Bytes(), start)
		if from < 0 {
			break
		}
		start = to
		numbers++
		for _, by := range []string{bump(string(file.Bytes()[from:to])), "0", "7"} {
			if by == string(file.Bytes()[from:to]) {
				continue
			}
			changed := string(file.Bytes()[:from]) + by + string(file.Bytes()[to:])
			read, err := placement.Read(strings.NewReader(changed))
			if err == nil {
				err = Check(read)
			}
			if err == nil {
				line := 1 + strings.Count(changed[:from], "\n")
				t.Fatalf("line %d: %s changed to %s, and the plan still passes:\n%s", line, file.Bytes()[from:to], by, strings.Split(changed, "\n")[line-1])
			}
		}
	}
	return numbers
}

// nextNumber finds a run of digits that is a number or stands in a string value,
// units and names included, but not in a key.
func nextNumber(data []byte, start int) (from, to int) {
	for i := start; i < len(data); i++ {
		if data[i] < '0' || data[i] > '9' {
			continue
		}
		j := i
		for j < len(data) && data[j] >= '0' && data[j] <= '9' {
			j++
		}
		return i, j
	}
	return -1, -1
}

// bump adds one to a run of digits, the carry dropped where it would not fit.
func bump(digits string) string {
	out := []byte(digits)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] != '9' {
			out[i]++
			break
		}
		out[i] = '0'
	}
	if out[0] == '0' && len(out) > 1 {
		out[0] = '1'
	}
	if string(out) == digits {
		return "8"
	}
	return string(out)
}

// TestPlanFile reads what it writes, byte for byte.
func TestPlanFile(t *testing.T) {
	p := proved(t, robot())
	var first, second bytes.Buffer
	if err := placement.Write(&first, p); err != nil {
		t.Fatal(err)
	}
	read, err := placement.Read(bytes.NewReader(first.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := placement.Write(&second, read); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("a plan read and written again differs")
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(first.Bytes(), &top); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"version", "problem", "embedding", "realization", "proof"} {
		if top[key] == nil {
			t.Errorf("the plan has no %q at its top", key)
		}
	}
}

// TestHalfDuplex: on a cable whose directions share its rate a byte waits for both,
// and where both together ask for more than there is nothing bounds the wait, though
// the budget, which counts each link once, holds.
func TestHalfDuplex(t *testing.T) {
	p := robot()
	p.Problem.Inventory.Cables[1].Duplex = hosts.HalfDuplex
	proved(t, p)
	// As in TestByHand, but at the switch 34556 B of the other way, of which 100 us in b are
	// 250, and a frame, at what 20 Mbit/s of it leave: 36094 B at 980 Mbit/s = 294645 ns; and
	// the burst of this way, 34306 B there = 280049 ns.
	if c := claim(t, p.Proof, "link robot/frames camera>detect", RuleLink); c.Bound.Cmp(placement.Int(114304+12304+294645+7000+280049+100000)) != 0 {
		t.Errorf("link over a half-duplex cable: %v, by hand 808302 ns", c.Bound)
	}
	if c := claim(t, p.Proof, "cable s--b", RuleCable); c.Bound.Cmp(placement.Int(20e6)) != 0 {
		t.Errorf("cable: %v, the rate counts once", c.Bound)
	}
	if err := Check(p); err != nil {
		t.Error(err)
	}
	named := false
	for _, a := range p.Proof.Rests {
		named = named || a.Subject == "cable s--b" && !a.Backed
	}
	if !named {
		t.Errorf("the plan does not say that it rests on the two directions sharing: %v", p.Proof.Rests)
	}
	p.Problem.Inventory.Cables[1].Rate, p.Problem.Inventory.Cables[1].Share = 30e6, vsn.One
	p.Problem.Networks[0].Links[0].Delay = 0
	proved(t, p)
	if c := claim(t, p.Proof, "link robot/frames camera>detect", RuleLink); !c.Bound.IsInf() {
		t.Errorf("2 * 20 Mbit/s on 30: %v is no bound", c.Bound)
	}
	if c := claim(t, p.Proof, "cable s--b", RuleCable); !c.Holds() {
		t.Errorf("20 of 30 Mbit/s: %v", c)
	}
	p.Problem.Inventory.Cables[1].Duplex = "simplex"
	if _, err := Prove(&p.Problem, &p.Embedding, &p.Realization); err == nil {
		t.Error("an unknown duplex was taken")
	}
}
