package bounds

import (
	"math/rand"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestRequestDelayOfOneMessage(t *testing.T) {
	// Alone, a message waits exactly the time of its own work.
	s := Supply{Runtime: 10, Period: 100}
	for c, want := range map[int64]int64{5: 185, 10: 190, 11: 281, 20: 290} {
		got, ok := RequestDelay(s, []Arrival{{Period: 1000, Cost: c}})
		if got != want || !ok {
			t.Errorf("cost %d: %d, %v, want %d", c, got, ok, want)
		}
	}
	for _, v := range []struct {
		a    Arrival
		want int64
	}{
		{Arrival{Period: 1000, Cost: 5, Burst: 4}, 290},     // a burst is paid whole
		{Arrival{Period: 1000, Cost: 10, Jitter: 999}, 289}, // the second comes 1 later
	} {
		if got, _ := RequestDelay(s, []Arrival{v.a}); got != v.want {
			t.Errorf("%+v: %d, want %d", v.a, got, v.want)
		}
	}
}

func TestRequestDelayRefused(t *testing.T) {
	s := Supply{Runtime: 1, Period: 3}
	for _, flows := range [][]Arrival{
		{{Period: 10, Cost: 4}},
		{{Period: 6, Cost: 1}, {Period: 6, Cost: 1}, {Period: largest, Cost: 1}},
		{{Period: 0, Cost: 1}}, {{Period: 9, Cost: -1}}, {{Period: 9, Jitter: -1}}, {{Period: 9, Burst: -1}},
	} {
		if got, ok := RequestDelay(s, flows); ok || got != Inf {
			t.Errorf("%+v: %d, %v, want no bound", flows, got, ok)
		}
	}
	if _, ok := RequestDelay(Supply{}, nil); ok {
		t.Error("no supply gives a bound")
	}
	if got, ok := RequestDelay(s, []Arrival{{Period: 5}}); got != 0 || !ok {
		t.Errorf("no work: %d, %v", got, ok)
	}
	// Exactly at the rate there is a bound.
	if got, ok := RequestDelay(s, []Arrival{{Period: 6, Cost: 1}, {Period: 6, Cost: 1}}); !ok || got != 8 {
		t.Errorf("at the rate: %d, %v, want 8", got, ok)
	}
}

// A busy period too long to walk through must still have a safe bound: just under
// the rate, with periods that have no common multiple within reach.
func TestRequestDelayLongBusyPeriod(t *testing.T) {
	s := Supply{Runtime: 500_000_003, Period: 1_000_000_007}
	flows := []Arrival{{Period: 999_983, Cost: 250_000}, {Period: 1_299_709, Cost: 324_900}}
	got, ok := RequestDelay(s, flows)
	if !ok || got < s.Blackout() || got > 2*s.Blackout() {
		t.Errorf("%d, %v, with a blackout of %d", got, ok, s.Blackout())
	}
	if most := linearDelay(s, flows, 0); got > most {
		t.Errorf("%d is over the linear bound %d", got, most)
	}
}

func drawFlows(t *rapid.T, s Supply) []Arrival {
	flows := make([]Arrival, rapid.IntRange(1, 3).Draw(t, "flows"))
	for i := range flows {
		period := rapid.Int64Range(2, 60).Draw(t, "every")
		most := max(0, period*s.Runtime/s.Period/int64(len(flows)))
		flows[i] = Arrival{
			Period: period,
			Jitter: rapid.Int64Range(0, 80).Draw(t, "jitter"),
			Burst:  rapid.Int64Range(0, 4).Draw(t, "burst"),
			Cost:   rapid.Int64Range(0, most).Draw(t, "cost"),
		}
	}
	return flows
}

type message struct {
	flow          int
	arrival, left int64
}

// randomMessages releases messages of each flow as the event model allows: Burst
// tokens, one more every Period, then a delay of up to Jitter.
func randomMessages(flows []Arrival, until int64, random *rand.Rand) []message {
	var all []message
	for i, a := range flows {
		burst := max(a.Burst, 1)
		credit := burst * a.Period // in units of time: Period buys a message
		lazy := random.Intn(3)
		for now := int64(0); now < until; now++ {
			credit = min(credit+1, burst*a.Period)
			for credit >= a.Period && random.Intn(1+lazy*5) == 0 {
				credit -= a.Period
				late := int64(0)
				if a.Jitter > 0 && random.Intn(2) == 0 {
					late = random.Int63n(a.Jitter + 1)
				}
				all = append(all, message{i, now + late, a.Cost})
			}
		}
	}
	random.Shuffle(len(all), func(x, y int) { all[x], all[y] = all[y], all[x] })
	slices.SortStableFunc(all, func(x, y message) int { return int(x.arrival - y.arrival) })
	return all
}

// denseMessages are all messages from start on, as early as the model allows, the
// last of the flows first in line.
func denseMessages(flows []Arrival, start, until int64) []message {
	var all []message
	for i, a := range flows {
		for k := int64(1); ; k++ {
			at := max(0, (k-max(a.Burst, 1))*a.Period-a.Jitter)
			if at > until {
				break
			}
			all = append(all, message{i, start + at, a.Cost})
		}
	}
	slices.SortStableFunc(all, func(x, y message) int { return int(x.arrival - y.arrival) })
	return all
}

// budget is a server as the adversary plays it, one unit of time after the other.
type budget interface {
	serve(now int64, backlog bool) bool
}

// fixedSlots is a periodic server that gives its budget whether there is work or
// not: at the start of the first period, then at the place that choose says.
type fixedSlots struct {
	s     Supply
	taken int64
	play  func(free, owed int64) bool // give this slot? free slots before the deadline, budget owed
}

func (f *fixedSlots) serve(now int64, _ bool) bool {
	at := now % f.s.Period
	if at == 0 {
		f.taken = 0
	}
	owed, free := f.s.Runtime-f.taken, f.s.deadline()-at
	if owed == 0 || free <= 0 {
		return false
	}
	if free > owed && now >= f.s.Period && !f.play(free, owed) {
		return false
	}
	f.taken++
	return true
}

// cbs is a hard constant bandwidth server, as SCHED_DEADLINE's: the deadline is
// put off at a wake-up that the old one could not carry, and after depletion.
type cbs struct {
	s           Supply
	left, until int64
	active      bool
	play        func(free, owed int64) bool
}

func (c *cbs) serve(now int64, backlog bool) bool {
	if c.left == 0 && now >= c.until {
		c.left, c.until = c.s.Runtime, max(c.until, now)+c.s.Period
		if !backlog {
			c.active = false
		}
	}
	if !backlog {
		c.active = false
		return false
	}
	if !c.active {
		c.active = true
		if c.left > 0 && (now >= c.until || c.left*c.s.Period > (c.until-now)*c.s.Runtime) {
			c.left, c.until = c.s.Runtime, now+c.s.Period
		}
	}
	if c.left == 0 || c.until-now > c.left && !c.play(c.until-now, c.left) {
		return false
	}
	c.left--
	return true
}

// worstDelay serves the messages first come first served, unit by unit.
func worstDelay(b budget, messages []message, flows int) []int64 {
	worst := make([]int64, flows)
	head := 0
	for now := int64(0); head < len(messages); now++ {
		backlog := messages[head].arrival <= now
		if b.serve(now, backlog) && backlog {
			messages[head].left--
		}
		for head < len(messages) && messages[head].arrival <= now && messages[head].left <= 0 {
			m := messages[head]
			worst[m.flow] = max(worst[m.flow], now+1-m.arrival)
			head++
		}
	}
	return worst
}

func TestRequestDelayIsNeverExceeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSupply(t, 30)
		s.Grain = 0
		flows := drawFlows(t, s)
		for i := range flows { // a message without work leaves in no time, which slots cannot show
			flows[i].Cost = max(flows[i].Cost, 1)
		}
		bound, ok := RequestDelay(s, flows)
		if !ok {
			return
		}
		random := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		play := plays(random)[rapid.IntRange(0, 2).Draw(t, "play")]
		servers := map[string]budget{"periodic": &fixedSlots{s: s, play: play}}
		if s.deadline() == s.Period {
			servers["cbs"] = &cbs{s: s, play: play}
		}
		for name, server := range servers {
			messages := randomMessages(flows, 600, random)
			for i, seen := range worstDelay(server, messages, len(flows)) {
				if seen > bound {
					t.Fatalf("%s %+v, flow %d of %+v: simulation sees %d, bound %d", name, s, i, flows, seen, bound)
				}
			}
		}
	})
}

func plays(random *rand.Rand) []func(free, owed int64) bool {
	return []func(free, owed int64) bool{
		func(int64, int64) bool { return false }, // as late as allowed
		func(int64, int64) bool { return true },  // as early as possible
		func(int64, int64) bool { return random.Intn(3) == 0 },
	}
}

// The adversary that gives one budget early and all later ones late, with all
// messages from then on as dense as allowed, attains the bound.
func TestRequestDelayIsAttained(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSupply(t, 30)
		s.Grain = 0
		flows := drawFlows(t, s)
		for i := range flows {
			flows[i].Cost = max(flows[i].Cost, 1)
		}
		bound, ok := RequestDelay(s, flows)
		if !ok {
			return
		}
		repeat := s.Period
		for _, a := range flows {
			repeat = lcmSat(repeat, a.Period)
		}
		if repeat > 20_000 {
			return
		}
		server := &fixedSlots{s: s, play: plays(nil)[0]}
		seen := worstDelay(server, denseMessages(flows, s.Runtime, repeat), len(flows))
		if slices.Max(seen) != bound {
			t.Fatalf("%+v, %+v: the worst that can be is %d, bound %d", s, flows, slices.Max(seen), bound)
		}
	})
}

func TestRequestDelayMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSupply(t, 40)
		flows := drawFlows(t, s)
		base, ok := RequestDelay(s, flows)
		if !ok {
			return
		}
		i := rapid.IntRange(0, len(flows)-1).Draw(t, "which")
		worse := slices.Clone(flows)
		switch rapid.IntRange(0, 3).Draw(t, "how") {
		case 0:
			worse[i].Cost++
		case 1:
			worse[i].Jitter++
		case 2:
			worse[i].Burst = max(worse[i].Burst, 1) + 1
		case 3:
			worse = append(worse, Arrival{Period: 100, Cost: 1})
		}
		if got, finite := RequestDelay(s, worse); finite && got < base {
			t.Fatalf("%+v: %+v waits %d, %+v only %d", s, flows, base, worse, got)
		}
		more := s
		more.Runtime++
		if more.valid() && s.Curve() == CurveIdeal {
			if got, _ := RequestDelay(more, flows); got > base {
				t.Fatalf("%+v: one more of runtime makes %d of %d", s, got, base)
			}
		}
		if most := linearDelay(s, flows, 0); base > most {
			t.Fatalf("%+v, %+v: %d exceeds the token buckets' %d", s, flows, base, most)
		}
	})
}

// What an element delays by least at the least and delay at most leaves it within the
// event model with a jitter that is larger by the difference.
func TestOutputKeepsToItsJitter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		a := Arrival{
			Period: rapid.Int64Range(1, 20).Draw(t, "every"),
			Jitter: rapid.Int64Range(0, 40).Draw(t, "jitter"),
			Burst:  rapid.Int64Range(0, 4).Draw(t, "burst"),
		}
		delay := rapid.Int64Range(0, 50).Draw(t, "delay")
		least := rapid.Int64Range(0, delay).Draw(t, "least")
		messages := randomMessages([]Arrival{a}, 300, random)
		keepsTo(t, a, messages)
		for i := range messages {
			messages[i].arrival += least + random.Int63n(delay-least+1)
		}
		slices.SortFunc(messages, func(x, y message) int { return int(x.arrival - y.arrival) })
		a.Jitter += delay - least
		keepsTo(t, a, messages)
	})
}

func keepsTo(t *rapid.T, a Arrival, messages []message) {
	for i := range messages {
		for j := i; j < len(messages); j++ {
			span := messages[j].arrival - messages[i].arrival
			if n := int64(j - i + 1); n > a.Count(span) {
				t.Fatalf("%+v: %d messages in %d, the model allows %d", a, n, span, a.Count(span))
			}
		}
	}
}
