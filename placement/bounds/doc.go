// Package bounds is the arithmetic of worst cases: how little processor time a
// reservation supplies, how much a set of tasks or messages demands, and so how
// late anything can be. It is pure: no clock, no I/O, no randomness, and no
// floating point anywhere, so that a proof built on it can be added up again.
//
// Two kinds of numbers are used. Processor time and link time are int64
// nanoseconds (or any other grain, the same throughout a call); they saturate at
// Inf rather than wrap, and functions that can fail to have a finite answer say so
// with ok = false. Network calculus and least budgets, whose answers are fractions,
// use math/big.Rat.
//
// It is not a planner: nothing here chooses a host, a budget or a rate, apart from
// the least budget that meets a demand. It knows neither vsn nor hosts.
//
// Start at Supply (what a reservation gives), then Arrival and RequestDelay (what
// messages wait for on a processor), Tasks (what runs inside a guest), Way (what a
// frame waits for from line to line), and Net (network calculus over many servers).
package bounds
