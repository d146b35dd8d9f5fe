package hosts_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

const turin = `# The example of the documentation, every key once, and every default.
apiVersion: vsnctl/v1
kind: Inventory
hosts:
  - name: pn1.example
    address: ssh://root@pn1:2222
    labels: {site: turin, rack: a}
    cpus: [{id: 3, node: 1}, {id: 1, share: 0.5}]
    share: 0.85
    grain: 0us
    memory: 16GiB
    resources: {gpu: 2}
    delay: 0us
    transit: true
    partition: true
    accel: kvm
    emulator: {runtime: 1ms, period: 10ms, work: 20us}
  - {name: pn2, cpus: 2, memory: 1.5GiB}
switches:
  - {name: tor1, delay: 5us}
cables:
  - {between: [pn1.example, tor1], rate: 1Gbit, share: 0.9, delay: 2us, device: eth1}
  - {name: second, between: [tor1, pn2], rate: 10Gbit}
`

func TestLoad(t *testing.T) {
	got, errs := hosts.Load(strict.File{Name: "turin.yaml", Data: []byte(turin)})
	want := hosts.Inventory{
		Hosts: []hosts.Host{
			{Name: "pn1.example", Address: "ssh://root@pn1:2222", Labels: map[string]string{"site": "turin", "rack": "a"},
				CPUs:  hosts.CPUs{{ID: 1, Share: vsn.One / 2}, {ID: 3, Node: 1}},
				Share: vsn.One * 85 / 100, Grain: 0, Delay: 0, Memory: 16 << 30, Resources: map[string]int64{"gpu": 2},
				Transit: true, Partition: true, Accel: hosts.AccelKVM, Emulator: &hosts.Emulator{Runtime: 1e6, Period: 10e6, Work: 20e3}},
			{Name: "pn2", CPUs: hosts.CPUs{{ID: 0}, {ID: 1}}, Share: hosts.DefaultShare, Grain: hosts.DefaultGrain,
				Delay: hosts.DefaultHostDelay, Memory: 3 << 29, Accel: hosts.AccelAuto},
		},
		Switches: []hosts.Switch{{Name: "tor1", Delay: 5e3}},
		Cables: []hosts.Cable{
			{Name: "pn1.example--tor1", Between: []string{"pn1.example", "tor1"}, Rate: 1e9, Share: vsn.One * 9 / 10, Delay: 2e3, Device: "eth1"},
			{Name: "second", Between: []string{"tor1", "pn2"}, Rate: 10e9, Share: hosts.DefaultCableShare},
		},
	}
	if errs != nil {
		t.Fatal(errs)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if errs := hosts.Validate(&got); errs != nil {
		t.Errorf("valid where read, and not by itself: %v", errs)
	}
	if usable := got.Cables[0].Usable(); usable != 900e6 {
		t.Errorf("links may take %v of a cable, want 900Mbit", usable)
	}
}

func TestValidate(t *testing.T) {
	inv, errs := hosts.Load(strict.File{Name: "turin.yaml", Data: []byte(turin)})
	if errs != nil {
		t.Fatal(errs)
	}
	inv.Hosts[1].Share = 2 * vsn.One
	inv.Cables[1].Between[1] = "pn3"
	want := `inventory: host "pn2": share: 2 is not in (0,1]
inventory: cable "second": between[1]: there is no host or switch "pn3": did you mean "pn2"?`
	if got := hosts.Validate(&inv).Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if errs := hosts.Validate(&hosts.Inventory{}); errs == nil {
		t.Error("an empty inventory is valid")
	}
}

// Files may hold both kinds in any order, and an inventory may be in several.
func TestReadDocuments(t *testing.T) {
	network := "apiVersion: vsnctl/v1\nkind: Network\nname: %s\nvms: [{name: a, memory: 1MiB, boot: {kernel: k}}]\n"
	more := "apiVersion: vsnctl/v1\nkind: Inventory\nhosts: [{name: pn3, cpus: 1, memory: 1GiB}]\ncables: [{between: [pn3, tor1], rate: 1Gbit}]\n"
	networks, inventory, errs := hosts.ReadDocuments(
		strict.File{Name: "a/one.yaml", Data: fmt.Appendf(nil, network+"---\n"+more, "one")},
		strict.File{Name: "b/two.yaml", Data: fmt.Appendf(nil, turin+"---\n"+network, "two")})
	if errs != nil {
		t.Fatal(errs)
	}
	var got []string
	for _, n := range networks {
		got = append(got, n.Name+" "+n.VMs[0].Boot.Kernel)
	}
	for _, h := range inventory.Hosts {
		got = append(got, h.Name)
	}
	for _, c := range inventory.Cables {
		got = append(got, c.Name)
	}
	want := []string{"one a/k", "two b/k", "pn3", "pn1.example", "pn2", "pn3--tor1", "pn1.example--tor1", "second"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	_, inventory, errs = hosts.ReadDocuments(strict.File{Name: "f", Data: fmt.Appendf(nil, network, "one")})
	if inventory != nil || errs != nil {
		t.Errorf("without an inventory: %v, %v", inventory, errs)
	}
	_, errs = hosts.Load(strict.File{Name: "f", Data: fmt.Appendf(nil, network, "one")})
	if got, want := errs.Error(), `f:2: kind: unknown kind "Network": want Inventory`; got != want {
		t.Errorf("a network where an inventory is: got %s, want %s", got, want)
	}
}

func TestAddresses(t *testing.T) {
	for address, good := range map[string]bool{
		"ssh://pn1": true, "ssh://root@pn1": true, "ssh://a.b-c_d@pn1.example.org:22": true, "ssh://10.0.0.1": true,
		"ssh://[::1]": true, "ssh://root@[fe80::1]:65535": true, "ssh://pn1:1": true,
		"": false, "pn1": false, "ssh://": false, "ssh:///": false, "ssh://-o": false, "ssh://-o@pn1": false, "ssh://root@-pn1": false,
		"ssh://pn1/": false, "ssh://pn1:": false, "ssh://pn1:65536": false, "ssh://pn1:-1": false, "ssh://pn1 -oX": false, "ssh://$(x)": false,
		"ssh://a@b@c": false, "ssh://[::1": false, "ssh://[::g]": false, "ssh://[fe80::1%eth0]": false, "http://pn1": false, "ssh://pn1\n": false,
		"ssh://" + strings.Repeat("a", 250): false,
	} {
		if err := hosts.CheckAddress(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// Whatever is valid comes back as it was, through YAML and through JSON.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inv := drawInventory(t)
		for _, data := range encodings(t, &inv) {
			got, errs := hosts.Load(strict.File{Name: "i", Data: data})
			if errs != nil {
				t.Fatalf("%v in\n%s", errs, data)
			}
			if diff := cmp.Diff(inv, got); diff != "" {
				t.Fatalf("%s\nin\n%s", diff, data)
			}
		}
		// A plan carries inventories as plain JSON.
		data, err := json.Marshal(inv)
		if err != nil {
			t.Fatal(err)
		}
		var got hosts.Inventory
		if err := json.Unmarshal(data, &got); err != nil || !cmp.Equal(inv, got) {
			t.Fatalf("%v: %s", err, cmp.Diff(inv, got))
		}
	})
}

func encodings(t interface{ Fatal(...any) }, inv *hosts.Inventory) [][]byte {
	y, err := inv.EncodeYAML()
	if err != nil {
		t.Fatal(err)
	}
	j, err := inv.EncodeJSON()
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{y, j}
}

// Random inventories, valid by construction.

var (
	key   = rapid.StringMatching(`[A-Za-z0-9]([A-Za-z0-9_-]{0,38}[A-Za-z0-9])?`)
	node  = rapid.StringMatching(`[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?`)
	share = rapid.Custom(func(t *rapid.T) vsn.Share { return vsn.Share(rapid.Int64Range(1, int64(vsn.One)).Draw(t, "share")) })
	delay = rapid.Custom(func(t *rapid.T) vsn.Duration {
		return vsn.Duration(rapid.Int64Range(0, int64(hosts.MaxDelay)).Draw(t, "delay"))
	})
)

func drawInventory(t *rapid.T) hosts.Inventory {
	var inv hosts.Inventory
	inv.Objective = drawObjective(t)
	nodes := rapid.SliceOfNDistinct(node, 1, 6, rapid.ID).Draw(t, "nodes")
	for i, name := range nodes {
		if i == 0 || rapid.Bool().Draw(t, "host") {
			inv.Hosts = append(inv.Hosts, drawHost(t, name))
		} else {
			inv.Switches = append(inv.Switches, hosts.Switch{Name: name, Delay: delay.Draw(t, "delay")})
		}
	}
	for i := range nodes {
		for k := range i {
			if rapid.Bool().Draw(t, "cable") {
				inv.Cables = append(inv.Cables, drawCable(t, nodes[i], nodes[k], len(inv.Cables)))
			}
		}
	}
	return inv
}

func drawHost(t *rapid.T, name string) hosts.Host {
	h := hosts.Host{Name: name, Share: share.Draw(t, "share"), Delay: delay.Draw(t, "delay"),
		Grain:   vsn.Duration(rapid.Int64Range(0, int64(hosts.MaxGrain)).Draw(t, "grain")),
		Memory:  vsn.Size(rapid.Int64Range(1, int64(hosts.MaxHostMemory)).Draw(t, "memory")),
		Transit: rapid.Bool().Draw(t, "transit"), Partition: rapid.Bool().Draw(t, "partition"),
		Accel: rapid.SampledFrom([]hosts.Accel{hosts.AccelAuto, hosts.AccelKVM, hosts.AccelTCG}).Draw(t, "accel")}
	if rapid.Bool().Draw(t, "remote") {
		h.Address = "ssh://" + rapid.SampledFrom([]string{"", "root@"}).Draw(t, "user") + name
	}
	if rapid.Bool().Draw(t, "has labels") {
		h.Labels = rapid.MapOfN(key, node, 1, 3).Draw(t, "labels")
	}
	if rapid.Bool().Draw(t, "has resources") {
		h.Resources = rapid.MapOfN(key, rapid.Int64Range(0, vsn.MaxCount), 1, 3).Draw(t, "resources")
	}
	if rapid.Bool().Draw(t, "counted") {
		h.CPUs = hosts.CountedCPUs(rapid.IntRange(1, 40).Draw(t, "cpus"))
	} else {
		ids := rapid.SliceOfNDistinct(rapid.IntRange(0, hosts.MaxCPUs-1), 1, 6, rapid.ID).Draw(t, "ids")
		slices.Sort(ids)
		for _, id := range ids {
			cpu := hosts.CPU{ID: id, Node: rapid.IntRange(0, hosts.MaxNUMANode).Draw(t, "node")}
			if rapid.Bool().Draw(t, "own share") {
				cpu.Share = share.Draw(t, "share")
			}
			h.CPUs = append(h.CPUs, cpu)
		}
	}
	if rapid.Bool().Draw(t, "emulator") {
		period := rapid.Int64Range(int64(vsn.MinPeriod), int64(vsn.MaxPeriod)).Draw(t, "period")
		h.Emulator = &hosts.Emulator{Period: vsn.Duration(period),
			Runtime: vsn.Duration(rapid.Int64Range(int64(vsn.MinRuntime), period).Draw(t, "runtime")),
			Work:    vsn.Duration(rapid.Int64Range(1, period).Draw(t, "work"))}
	}
	return h
}

func drawObjective(t *rapid.T) []hosts.Objective {
	if rapid.Bool().Draw(t, "no objective") {
		return nil
	}
	return rapid.SliceOfNDistinct(rapid.SampledFrom(hosts.Objectives()), 1, 4, func(o hosts.Objective) hosts.Objective { return o }).Draw(t, "objective")
}

func drawCable(t *rapid.T, a, b string, number int) hosts.Cable {
	c := hosts.Cable{Name: fmt.Sprintf("cable.%d", number), Between: []string{a, b}, Share: share.Draw(t, "share"), Delay: delay.Draw(t, "delay"),
		Rate: vsn.Rate(rapid.Int64Range(int64(vsn.MinRate), int64(vsn.MaxRate)).Draw(t, "rate"))}
	if rapid.Bool().Draw(t, "unnamed") {
		c.Name = a + "--" + b
	}
	c.Duplex = rapid.SampledFrom([]hosts.Duplex{"", hosts.FullDuplex, hosts.HalfDuplex}).Draw(t, "duplex")
	if rapid.Bool().Draw(t, "plugged") {
		c.Device = rapid.StringMatching(hosts.DevicePattern).Draw(t, "device")
	}
	return c
}
