// Package construct finds a place for one network beside what is already taken, fast:
// a seat for every group of VMs and a path for every link, built together, many times
// over, at prices that say what each cable and each host is worth to those who come
// later; and made better by moving seats about (refine).
//
// It is the search of vsnctl simulate, where thousands of requests are decided one
// after the other, and it never says no by proof: what it does not find may exist.
// It keeps memory, counted resources, processor time (partitioned EDF with a CPU for
// each vCPU, or the test of global EDF), the budget of every cable, the rules of
// placement and, of delays, what the nodes and cables on the way take, with an allowance
// for queues.
// Start at Substrate, then Request, then Search.Find; for several networks, in names, at
// Embedder.
package construct
