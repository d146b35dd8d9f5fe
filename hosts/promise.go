package hosts

import (
	"encoding/json"
	"fmt"
)

// Promise is what was deployed of a network on this host, kept with each of its
// domains: status compares what it finds with it, and needs no file that could be
// lost or be wrong.
type Promise struct {
	Network string `json:"network"`
	VM      string `json:"vm"`
	Wants   string `json:"wants"` // State and Ground as JSON, without promises
}

// promised is what Wants holds.
type promised struct {
	State
	Ground
}

// PromiseKey names the promise kept with a domain.
func PromiseKey(network, vm string) Key { return key(KindPromise, network, vm) }

func (p Promise) Key() Key      { return PromiseKey(p.Network, p.VM) }
func (p Promise) On() []Key     { return []Key{DomainKey(p.Network, p.VM)} }
func (p Promise) Owner() string { return p.Network }
func (p Promise) String() string {
	return fmt.Sprintf("promise %s/%s (%d bytes)", p.Network, p.VM, len(p.Wants))
}

// Promised adds to the state of a network the promise of it, with what it stands on,
// to each of its domains.
func (s *State) Promised(network string, ground Ground) error {
	own := s.Of(network)
	own.Promises = nil
	wants, err := json.Marshal(promised{own, ground})
	if err != nil {
		return err
	}
	for _, d := range own.Domains {
		s.Add(Promise{Network: network, VM: d.VM, Wants: string(wants)})
	}
	return nil
}

// Wanted is what the network's domains say was deployed, promises included; false
// where none says so, or none that can be read. Where they say different things, a
// deploy was cut short: the first is taken, and the others differ from it.
func (s State) Wanted(network string) (State, bool) {
	want, _, ok := s.kept(network)
	return want, ok
}

// kept is the first promise of a network that can be read.
func (s State) kept(network string) (State, Ground, bool) {
	for _, p := range s.Promises {
		var kept promised
		if p.Network != network || json.Unmarshal([]byte(p.Wants), &kept) != nil {
			continue
		}
		want := kept.State
		for _, d := range want.Domains {
			want.Add(Promise{Network: network, VM: d.VM, Wants: p.Wants})
		}
		for _, r := range want.Reservations {
			if cpu := (Partition{CPU: r.CPU}); r.CPU != AnyCPU {
				want.Partitions = append(want.Partitions, cpu)
			}
		}
		return want, kept.Ground, true
	}
	return State{}, Ground{}, false
}
