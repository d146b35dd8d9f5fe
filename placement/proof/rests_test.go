package proof

import (
	"errors"
	"slices"
	"testing"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/placement"
)

// restsOn are the kinds that a plan rests on at a subject.
func restsOn(p *placement.Plan, subject string) map[hosts.Rest]placement.Assumption {
	kinds := map[hosts.Rest]placement.Assumption{}
	for _, a := range p.Proof.Rests {
		if a.Subject == subject {
			kinds[a.Kind] = a
		}
	}
	return kinds
}

// TestRestsByKind: what a plan rests on follows from what it uses of its hosts.
func TestRestsByKind(t *testing.T) {
	always := []hosts.Rest{hosts.RestAlone, hosts.RestReservation, hosts.RestAdmission, hosts.RestGrain, hosts.RestSpeed, hosts.RestSteal, hosts.RestClass, hosts.RestOrder, hosts.RestBridge}
	for _, c := range []struct {
		what   string
		change func(*placement.Plan)
		has    []hosts.Rest // on host b
		not    []hosts.Rest
	}{
		{"root domains and device threads", func(*placement.Plan) {}, []hosts.Rest{hosts.RestRootDomain, hosts.RestDevice, hosts.RestFrameWork}, []hosts.Rest{hosts.RestOneDomain, hosts.RestDeviceSpare}},
		{"one root domain", func(p *placement.Plan) {
			p.Problem.Inventory.Hosts[1].Partition = false
			for i := range p.Realization.Reservations {
				if r := &p.Realization.Reservations[i]; r.Host == "b" {
					r.CPU = hosts.AnyCPU
				}
			}
			for i := range p.Realization.Emulators {
				if e := &p.Realization.Emulators[i]; e.Host == "b" {
					e.CPU = hosts.AnyCPU
				}
			}
		}, []hosts.Rest{hosts.RestOneDomain, hosts.RestDevice}, []hosts.Rest{hosts.RestRootDomain}},
		{"device threads without a reservation", func(p *placement.Plan) {
			p.Problem.Inventory.Hosts[1].Emulator = nil
			p.Realization.Emulators = p.Realization.Emulators[:1]
		}, []hosts.Rest{hosts.RestDeviceSpare}, []hosts.Rest{hosts.RestDevice, hosts.RestFrameWork}},
	} {
		p := robot()
		c.change(p)
		p.Problem.Networks[0].Flows[0].Deadline = 0
		proved(t, p)
		kinds := restsOn(p, "host b")
		for _, kind := range append(slices.Clone(always), c.has...) {
			if _, ok := kinds[kind]; !ok {
				t.Errorf("%s: %s is missing", c.what, kind)
			}
		}
		for _, kind := range c.not {
			if a, ok := kinds[kind]; ok {
				t.Errorf("%s: %+v", c.what, a)
			}
		}
		if g, a := kinds[hosts.RestGrain], kinds[hosts.RestAdmission]; g.Value != int64(4*ms) || a.Value != int64(hosts.DefaultShare) {
			t.Errorf("%s: grain %+v, admission %+v", c.what, g, a)
		}
		if restsOn(p, "flows")[hosts.RestFlows].Says == "" || restsOn(p, "cables")[hosts.RestCables].Says == "" {
			t.Errorf("%s: flows and cables are declared nowhere", c.what)
		}
	}
}

// Only the machine that deploy runs on can be looked at.
func TestRestsAreBackedHereOnly(t *testing.T) {
	p := robot()
	p.Problem.Inventory.Hosts[0].Address = "10.0.0.1"
	proved(t, p)
	for _, a := range p.Proof.Rests {
		if a.Backed && a.Subject != "host b" {
			t.Errorf("%+v", a)
		}
	}
	if !restsOn(p, "host b")[hosts.RestSteal].Backed || restsOn(p, "host a")[hosts.RestSteal].Backed {
		t.Error("steal is to be looked at on host b, and cannot be on host a")
	}
}

// TestRestsAreChecked: a plan that says it rests on less, more or something else does
// not check.
func TestRestsAreChecked(t *testing.T) {
	for what, change := range map[string]func(*placement.Assumption){
		"kind":    func(a *placement.Assumption) { a.Kind = hosts.RestFlows + "x" },
		"subject": func(a *placement.Assumption) { a.Subject += "x" },
		"says":    func(a *placement.Assumption) { a.Says += "x" },
		"value":   func(a *placement.Assumption) { a.Value++ },
		"backed":  func(a *placement.Assumption) { a.Backed = !a.Backed },
	} {
		for i := range robotRests(t) {
			p := proved(t, robot())
			change(&p.Proof.Rests[i])
			var broken *Broken
			if err := Check(p); !errors.As(err, &broken) || broken.Rule != "assumption" {
				t.Errorf("%s of %d: %v", what, i, err)
			}
		}
	}
}

func robotRests(t *testing.T) []placement.Assumption { return proved(t, robot()).Proof.Rests }
