package hosts

import (
	"testing"

	"pgregory.net/rapid"
)

func TestRoundBurstReadsBackAsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := RoundRate(rapid.Int64Range(8, 1_000_000_000_000).Draw(t, "rate"))
		burst := rapid.Int64Range(1, 1<<24).Draw(t, "burst")
		ticks := BurstTicks(rate, burst)
		if ticks == 0 {
			if burst < rate/8*274 {
				t.Fatalf("%d B at %d bit/s does not fit", burst, rate)
			}
			return
		}
		got := RoundBurst(rate, burst)
		perTick := rate/8*64/1_000_000_000 + 1
		if got < burst || got > burst+perTick {
			t.Fatalf("RoundBurst(%d, %d) = %d, want it at most a tick (%d B) above", rate, burst, got, perTick)
		}
		if again := TicksBurst(rate, BurstTicks(rate, got)); again != got {
			t.Fatalf("%d B at %d bit/s reads back as %d", got, rate, again)
		}
		if rate <= 125_000_000 && got != burst {
			t.Fatalf("RoundBurst(%d, %d) = %d, want no change", rate, burst, got)
		}
	})
}

func TestRoundNumbersByHand(t *testing.T) {
	for _, c := range []struct{ rate, burst, want int64 }{
		{20_000_000, 32 << 10, 32 << 10},
		{1_000_000_000, 32 << 10, 32 << 10},   // 8 B a tick
		{10_000_000_000, 32 << 10, 32_800},    // 80 B a tick: 409.6 of them
		{100_000_000_000, 100_001, 126 * 800}, // 800 B a tick
	} {
		if got := RoundBurst(c.rate, c.burst); got != c.want {
			t.Errorf("RoundBurst(%d, %d) = %d, want %d", c.rate, c.burst, got, c.want)
		}
	}
	for rate, want := range map[int64]int64{7: 0, 8: 8, 15: 8, 1_000_001: 1_000_000} {
		if got := RoundRate(rate); got != want {
			t.Errorf("RoundRate(%d) = %d, want %d", rate, got, want)
		}
	}
	if got := BurstTicks(8, 300); got != 0 {
		t.Errorf("300 B at a byte a second take 300 s: %d ticks, want none", got)
	}
}
