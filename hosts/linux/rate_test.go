package linux

import (
	"context"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vsnctl/vsnctl/hosts"
)

// rateOf sends length-byte frames from a to b at the rate offered, bit/s, and returns
// what arrives per second, bit/s, once the burst is spent.
func rateOf(t testing.TB, a, b *guest, length int, offered int64, window time.Duration) float64 {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.flood(ctx, a.frame(b.mac, length), offered) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("send: %v", err)
		}
	}()
	end := time.Now().Add(window / 5) // for the burst
	for time.Now().Before(end) {
		b.receive(t, time.Until(end))
	}
	start, bytes := time.Now(), 0
	end = start.Add(window)
	last := start
	for time.Now().Before(end) {
		if f := b.receive(t, time.Until(end)); f != nil {
			bytes, last = bytes+len(f), time.Now()
		}
	}
	return float64(bytes) * 8 / last.Sub(start).Seconds()
}

// flood sends frames at the rate, bit/s, a millisecond's worth at a time.
func (g *guest) flood(ctx context.Context, frame []byte, rate int64) error {
	sent, start := int64(0), time.Now()
	for ctx.Err() == nil {
		due := int64(time.Since(start).Seconds() * float64(rate) / 8)
		for ; sent < due; sent += int64(len(frame)) {
			if _, err := unix.Write(g.fd, frame); err != nil {
				return err
			}
		}
		if pause(ctx, time.Millisecond) != nil {
			return nil
		}
	}
	return nil
}

// A link gets its rate to within five percent, and no more, in each direction, while
// the same guest floods another link.
func TestLinkRate(t *testing.T) {
	namespace(t)
	m := New(PIDs(t.TempDir()), Run(t.TempDir()))
	do(t, m, create(segment)...)
	a := tap(t, portA.Tap, segment.Bridge, macA)
	b := tap(t, portB.Tap, segment.Bridge, macB)
	c := tap(t, "vtc", segment.Bridge, macC)
	for _, g := range []*guest{a, b, c} { // the bridge learns where each is
		g.send(t, g.frame([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 60))
	}
	do(t, m, create(portA, portB)...)
	for i, rate := range []int64{2_000_000, 20_000_000, 50_000_000} {
		link := fmt.Sprintf("ab%d", i)
		ab := queue(link, "a", "b", portA.Ifb, 2, macB, rate, 32<<10)
		ac := queue("ac", "a", "c", portA.Ifb, 3, macC, 5_000_000, 32<<10)
		ba := queue(link, "b", "a", portB.Ifb, 2, macA, rate, 32<<10)
		ab.LimitBytes, ba.LimitBytes = 64<<10, 64<<10
		do(t, m, create(ab, ac, ba)...)
		ctx, stop := context.WithCancel(t.Context())
		flooded := make(chan error, 1)
		go func() { flooded <- a.flood(ctx, a.frame(c.mac, 1514), 10_000_000) }()
		checkRateOf(t, m, a, b, ab)
		checkRateOf(t, m, b, a, ba)
		stop()
		if err := <-flooded; err != nil {
			t.Error(err)
		}
		do(t, m, hosts.Change{Old: ab}, hosts.Change{Old: ac}, hosts.Change{Old: ba})
	}
}

func checkRateOf(t *testing.T, m *Machine, from, to *guest, q hosts.Queue) {
	t.Helper()
	untroubled(t, func() bool {
		got, want := rateOf(t, from, to, 1514, q.RateBit*3/2, 1500*time.Millisecond), float64(q.RateBit)
		meter := observe(t, m).Meters[q.Key()]
		t.Logf("%s>%s: %.3f Mbit/s, want %.3f within 5 %%; %+v", q.VM, q.To, got/1e6, want/1e6, meter)
		return got > 0.95*want && got < 1.05*want && meter.Throttle > 0 && meter.Drops > 0
	})
}
