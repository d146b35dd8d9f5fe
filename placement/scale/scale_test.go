package scale

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

// TestDocumentsReadBack: what is written is what was drawn, to the last number.
func TestDocumentsReadBack(t *testing.T) {
	for _, n := range []int{1, 7, 100} {
		inventory, networks := Inventory(n), Networks(n, 1)
		var a, b bytes.Buffer
		if err := WriteInventory(&a, &inventory); err != nil {
			t.Fatal(err)
		}
		if err := WriteNetworks(&b, networks); err != nil {
			t.Fatal(err)
		}
		gotNetworks, gotInventory, errs := hosts.ReadDocuments(strict.File{Name: "hosts.yaml", Data: a.Bytes()}, strict.File{Name: "spec.yaml", Data: b.Bytes()})
		if err := errs.Err(); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(networks, gotNetworks); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(&inventory, gotInventory); d != "" {
			t.Error(d)
		}
	}
}

func TestShape(t *testing.T) {
	inv := Inventory(10_000)
	if len(inv.Hosts) != 10_000 || len(inv.Hosts[9_999].CPUs) != 48 {
		t.Errorf("%d hosts of %d cpus", len(inv.Hosts), len(inv.Hosts[9_999].CPUs))
	}
	cables := map[string]int{}
	for _, c := range inv.Cables {
		cables[c.Between[0]]++
		cables[c.Between[1]]++
	}
	for _, h := range inv.Hosts {
		if cables[h.Name] != Planes {
			t.Fatalf("host %s has %d cables", h.Name, cables[h.Name])
		}
	}
	for _, n := range Networks(3, 1) {
		if len(n.VMs) != 10 || len(n.Links) != 12 {
			t.Errorf("network %s has %d vms and %d links", n.Name, len(n.VMs), len(n.Links))
		}
	}
}
