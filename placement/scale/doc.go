// Package scale draws data centres and what is to run in them, of any size, for tests
// and benchmarks of large problems: a fat tree with two planes of switches
// (Al-Fares, Loukissas, Vahdat, A Scalable, Commodity Data Center Network Architecture,
// 2008), and networks of ten VMs and twelve links. The same arguments give the same
// documents. Start at Inventory and Networks.
package scale
