package vsn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"

	"github.com/vsnctl/vsnctl/vsn/strict"
)

// Load reads Network documents, several of them in a file if need be. Defaults are
// filled in, paths of kernels and images start from where the file is (its name's
// directory), and everything is validated: either the networks are good or the
// errors are all there are. A file of mixed kinds is for hosts.ReadDocuments.
func Load(files ...strict.File) ([]Network, strict.Errors) {
	var c Collection
	errs := strict.Read(files, APIVersion, map[string]func(*strict.Document){KindNetwork: c.Add}, c.Check)
	return c.Networks, errs
}

// Collection gathers networks from documents. Use Add for each document, then
// Check once, both inside strict.Read.
type Collection struct {
	Networks []Network
	at       []strict.Position
}

// Add decodes, completes and validates one Network document.
func (c *Collection) Add(d *strict.Document) {
	var n Network
	d.Decode(&n)
	n.complete(d.Root(), d.File.Dir())
	n.validate(d.Root())
	c.Networks = append(c.Networks, n)
	c.at = append(c.at, d.Root())
	d.Forget()
}

// At is where the i-th network was read.
func (c *Collection) At(i int) strict.Position { return c.at[i] }

// Check holds the networks against one another: names must differ.
func (c *Collection) Check() { checkNetworks(c.Networks, c.At) }

// complete fills in what a document may leave out.
func (n *Network) complete(at strict.Position, dir string) {
	for i := range n.VMs {
		v := &n.VMs[i]
		if v.VCPUs == 0 && !at.Key("vms").Item(i, v.Name).Has("vcpus") {
			v.VCPUs = 1
		}
		v.Memory = roundUp(v.Memory, MemoryGrain)
		if v.Boot != nil {
			v.Boot.Kernel = from(dir, v.Boot.Kernel)
			v.Boot.Initrd = from(dir, v.Boot.Initrd)
		}
		if v.Disk != nil {
			v.Disk.Image = from(dir, v.Disk.Image)
		}
		v.completeTasks(at.Key("vms").Item(i, v.Name))
	}
	if n.Confidence != 0 && n.Active == 0 && !at.Has("active") {
		n.Active = One
	}
	largest := n.largest()
	for i := range n.Links {
		l := &n.Links[i]
		l.Rate = (l.Rate + RateGrain - 1) / RateGrain * RateGrain
		if l.Burst == 0 && l.Rate > 0 && !at.Key("links").Item(i, l.Name).Has("burst") {
			l.Burst = defaultBurst(l, largest)
		}
	}
}

func (v *VM) completeTasks(at strict.Position) {
	if len(v.Tasks) > 0 && v.GuestScheduler == "" && !at.Has("guestScheduler") {
		v.GuestScheduler = GuestEDF
	}
	for i := range v.Tasks {
		t := &v.Tasks[i]
		if t.Deadline == 0 && !at.Key("tasks").Item(i, t.Name).Has("deadline") {
			t.Deadline = t.Period
		}
	}
}

// defaultBurst is the burst of a link that names none: the most that a flow sends
// over it at once, as bytes on the wire, so that it need not wait for the rate; at
// least two full frames; rounded up to whole KiB.
func defaultBurst(l *Link, largest map[pair]Size) Size {
	burst := 2 * MaxFrame
	if len(l.Between) == 2 {
		burst = max(burst, largest[pairOf(l.Between[0], l.Between[1])])
	}
	return roundUp(burst, 1<<10)
}

// largest is the most that a flow sends between two VMs at once, as bytes on the wire.
func (n *Network) largest() map[pair]Size {
	most := map[pair]Size{}
	for i := range n.Flows {
		f := &n.Flows[i]
		wide := slices.ContainsFunc(f.Path, func(s Stage) bool { return len(s) > MaxStage })
		if wide || f.Message > MaxMessage || f.Messages() > MaxMessages {
			continue // refused by validation, and too much for sums
		}
		_, bytes := Wire(f.Message)
		for _, s := range f.Steps() {
			p := pairOf(s.From, s.To)
			most[p] = max(most[p], bytes*Size(f.Messages()))
		}
	}
	return most
}

func roundUp(s, grain Size) Size { return (s + grain - 1) / grain * grain }

// from makes a path start at dir, unless it is absolute or absent.
func from(dir, p string) string {
	if p == "" || path.IsAbs(p) {
		return p
	}
	return path.Join(dir, p)
}

// Decode reads one Network document of JSON, completed and validated as by Load, in a
// fraction of the time: for traces of many thousands. What it does not take Load is
// given, for words about what is wrong. Unlike Load it takes a limit on the delay of a
// link without a rate: nothing bounds what waits there, but its way alone can be held
// against the limit, and that is what a trace is about.
func Decode(data []byte) (*Network, strict.Errors) {
	var in struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Network
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err == nil && in.APIVersion == APIVersion && in.Kind == KindNetwork && !d.More() {
		var errs strict.Errors
		at := strict.NewPosition(&errs)
		n := in.Network
		n.complete(at, "")
		back := n.withoutIdleLimits()
		if n.validate(at); errs.Err() == nil {
			back()
			return &n, nil
		}
	}
	networks, errs := Load(strict.File{Data: data})
	if errs.Err() != nil || len(networks) != 1 {
		if errs.Err() == nil {
			errs = append(errs, strict.Error{Msg: fmt.Sprintf("want one document of kind %s, found %d", KindNetwork, len(networks))})
		}
		return nil, errs
	}
	return &networks[0], nil
}

// withoutIdleLimits takes the limits off the links without a rate; back puts them on
// again.
func (n *Network) withoutIdleLimits() (back func()) {
	limits := map[int]Duration{}
	for i := range n.Links {
		if l := &n.Links[i]; l.Rate == 0 && l.Delay > 0 && l.Delay <= MaxTime {
			limits[i], l.Delay = l.Delay, 0
		}
	}
	return func() {
		for i, d := range limits {
			n.Links[i].Delay = d
		}
	}
}
