package hosts

import (
	"math"
	"math/bits"
)

// What a Linux host can hold of a number, so that what is planned, what is written
// and what is read back are the same.

const (
	// tickNs is the unit in which tc keeps a burst: the time that the burst takes
	// at the rate, in units of 64 ns (PSCHED_SHIFT, include/net/pkt_sched.h).
	tickNs = 64
	// maxTicks is what fits the kernel's field, struct tc_htb_opt.buffer.
	maxTicks = 1<<32 - 1
	// maxRateBit keeps the products below in 128 bits and the kernel's in 64.
	maxRateBit = 1e15
)

// RoundRate is the largest rate, bit/s, not above rateBit that a class can have: the
// kernel counts whole bytes per second. Zero means that rateBit is too small.
func RoundRate(rateBit int64) int64 {
	return min(rateBit, maxRateBit) &^ 7
}

// RoundBurst is the smallest burst in bytes, not below burst, that a class of
// rateBit can have and that reads back as itself. Below 125 Mbit/s that is burst.
// rateBit must be positive and a multiple of 8, as RoundRate makes it.
func RoundBurst(rateBit, burst int64) int64 {
	return TicksBurst(rateBit, BurstTicks(rateBit, burst))
}

// BurstTicks is a burst in bytes as the kernel keeps it, rounded up; 0 where it
// does not fit (more than 274 s at the rate).
func BurstTicks(rateBit, burst int64) uint32 {
	perTick, second := uint64(rateBit/8)*tickNs, uint64(1e9)
	if perTick == 0 || burst < 1 {
		return 0
	}
	ticks, ok := mulDiv(uint64(burst), second, perTick, true)
	if !ok || ticks > maxTicks {
		return 0
	}
	return uint32(ticks)
}

// TicksBurst is the burst in bytes that the kernel's ticks mean, rounded down: the
// inverse of BurstTicks for what RoundBurst returns.
func TicksBurst(rateBit int64, ticks uint32) int64 {
	bytes, ok := mulDiv(uint64(ticks), uint64(rateBit/8)*tickNs, 1e9, false)
	if !ok {
		return 0
	}
	return int64(bytes)
}

// mulDiv is a*b/c through 128 bits, up or down; false when it does not fit 63 bits.
func mulDiv(a, b, c uint64, up bool) (uint64, bool) {
	hi, lo := bits.Mul64(a, b)
	if hi >= c {
		return 0, false
	}
	q, rem := bits.Div64(hi, lo, c)
	if up && rem != 0 {
		q++
	}
	return q, q <= math.MaxInt64
}
