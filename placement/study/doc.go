// Package study replays a trace: networks that come one after the other, stay for a
// while and go, each decided when it comes and never again. It reads the trace, draws
// the line of events, lets placement/construct decide, and adds up what came of it.
// Audit replays the decisions with code of its own and finds any budget that was
// overrun.
//
// It is pure: how much work a decision may take is told by an Effort, and only its
// caller may look at a clock. Start at ReadTrace, then Run.
package study
