package vsn

import (
	"reflect"
	"strings"

	"github.com/vsnctl/vsnctl/vsn/strict"
)

// The schemas of values that have a form of their own.
var (
	NameSchema  = strict.Schema{Type: "string", Pattern: NamePattern, MaxLength: MaxName}
	NodeSchema  = strict.Schema{Type: "string", Pattern: NodePattern, MaxLength: MaxNode}
	CountSchema = strict.Schema{Type: "integer", Minimum: 0, Maximum: MaxCount}
	pathSchema  = strict.Schema{MinLength: 1, MaxLength: maxPath}
)

// Vocabulary describes Network documents.
var Vocabulary = strict.Vocabulary{
	Version: APIVersion,
	Kinds:   []strict.Kind{{Name: KindNetwork, Value: Network{}}},
	Types: map[reflect.Type]strict.Schema{
		reflect.TypeFor[Duration](): quantity(durationUnits, durationAlso),
		reflect.TypeFor[Rate]():     quantity(rateUnits, nil),
		reflect.TypeFor[Size]():     quantity(sizeUnits, sizeAlso),
		reflect.TypeFor[Share]():    {Type: "number", Over: 0, Maximum: 1},
	},
	Notes: notes,
}

// Schema is the JSON Schema of Network documents.
func Schema() ([]byte, error) { return Vocabulary.JSONSchema(KindNetwork) }

// quantity is text that parseUnit reads.
func quantity(sets ...[]unit) strict.Schema {
	var names []string
	for _, set := range sets {
		for _, u := range set {
			names = append(names, u.name)
		}
	}
	return strict.Schema{Type: "string", Pattern: "^" + decimalPattern + " ?(" + strings.Join(names, "|") + ")$", MaxLength: maxNumber + 5}
}

type (
	value = strict.Schema
	note  = strict.Note
)

var notes = map[string]note{
	"Network":       {Text: "A Virtual Service Network (VSN): virtual machines, the links between them, and what must arrive in time. It is admitted as a whole or not at all."},
	"Network.name":  {Text: "Name of the network. What is made on hosts carries it.", Value: NameSchema},
	"Network.vms":   {Text: "The virtual machines.", Value: value{MinItems: 1}},
	"Network.links": {Text: "What joins the VMs. All VMs of a network are on one segment; what a VM sends to one that no link joins it to shares 1Mbit with ARP and the like."},
	"Network.flows": {Text: "Messages that pass VMs in turn, with what they cost and by when they must be done."},
	"Network.place": {Text: "Rules for which hosts may be used."},

	"VM":             {Text: "A virtual machine and the processor time that it needs."},
	"VM.name":        {Text: "Name of the VM, unique in the network.", Value: NameSchema},
	"VM.vcpus":       {Text: "Number of virtual CPUs.", Value: value{Minimum: 1, Maximum: MaxVCPUs, Default: 1}},
	"VM.memory":      {Text: "Memory, rounded up to whole MiB.", Value: value{Examples: []any{Size(96 << 20), Size(4 << 30)}}},
	"VM.boot":        {Text: "Start from a kernel, without a boot loader. With a disk besides, the kernel comes from here. Without boot and disk the VM can be planned, not deployed."},
	"VM.disk":        {Text: "Start from, or with, a disk of its own."},
	"VM.reservation": {Text: "Processor time for each virtual CPU. Without it the VM is best effort: nothing is promised, and no flow with a deadline may pass through it."},
	"VM.resources": {Text: "Anything else that hosts have a number of, and how many of it this VM needs.", Each: CountSchema, EachName: NameSchema,
		Value: value{Examples: []any{map[string]int{"gpu": 1}}}},

	"Boot":         {Text: "A kernel to start. Paths start from where this file is."},
	"Boot.kernel":  {Text: "Path of the kernel image.", Value: pathSchema},
	"Boot.initrd":  {Text: "Path of the initial RAM disk.", Value: pathSchema},
	"Boot.cmdline": {Text: "The kernel's command line.", Value: value{MaxLength: maxCmdline, Examples: []any{"console=ttyS0"}}},

	"Disk":       {Text: "A disk: an overlay of the VM's own on an image that is never written."},
	"Disk.image": {Text: "Path of the image. It starts from where this file is.", Value: pathSchema},

	"Reservation": {Text: "So much runtime in every period, for each virtual CPU (SCHED_DEADLINE)."},
	"Reservation.runtime": {Text: "Processor time in every period, at least 1024ns, at most the period. Under the host's grain (a tick, 4ms at 250 Hz) it arrives less evenly.",
		Value: value{Examples: []any{Duration(20e6)}}},
	"Reservation.period": {Text: "How often the runtime comes again, 100us to 4.194304s. The longest wait for it is about twice period less runtime.",
		Value: value{Examples: []any{Duration(100e6)}}},

	"Link":         {Text: "Joins two VMs, with rate and burst for each direction. At most one link joins the same two."},
	"Link.name":    {Text: "Name of the link, unique in the network.", Value: NameSchema},
	"Link.between": {Text: "The two VMs.", Value: value{MinItems: 2, MaxItems: 2, Unique: true}, Each: NameSchema},
	"Link.rate": {Text: "What is guaranteed, and the most that is let through, in each direction; rounded up to whole bytes per second. Without it nothing is promised: the link has no class of its own and shares 1Mbit, in each direction, with all else that its sender sends beside links with a rate.",
		Value: value{Examples: []any{Rate(20e6), Rate(1e9)}}},
	"Link.burst": {Text: "What may leave at once, at least one frame of 1514B. Absent: the largest message that a flow sends over the link, with headers, and at least two frames.",
		Value: value{Examples: []any{Size(32 << 10)}}},
	"Link.delay": {Text: "The most that a frame may take over this link. Absent: any.", Value: value{Examples: []any{Duration(5e6)}}},

	"Flow":      {Text: "A message that passes VMs in turn, and costs work at each."},
	"Flow.name": {Text: "Name of the flow, unique in the network.", Value: NameSchema},
	"Flow.path": {Text: "The VMs in the order in which the message passes them. A link joins each to the next; none comes twice.",
		Value: value{MinItems: 1, Unique: true}, Each: NameSchema},
	"Flow.message": {Text: "Bytes of a message, without headers.", Value: value{Examples: []any{Size(8 << 10)}}},
	"Flow.every":   {Text: "The least time from one message to the next.", Value: value{Examples: []any{Duration(100e6)}}},
	"Flow.work": {Text: "Processor time that a message costs at most, by VM. Absent: none.", EachName: NameSchema,
		Value: value{Examples: []any{map[string]Duration{"detect": 5e6}}}},
	"Flow.deadline": {Text: "The most time from release at the first VM until the work at the last is done. Absent: any.",
		Value: value{Examples: []any{Duration(500e6)}}},

	"Rule": {Text: "Where VMs may be. Exactly one of apart, together, and vms with on.",
		Value: value{OneOf: strict.RequireOneOf("apart", "together", "vms on")}},
	"Rule.apart":    {Text: "VMs of which no two are on one host.", Value: value{MinItems: 2, Unique: true}, Each: NameSchema},
	"Rule.together": {Text: "VMs that are on one host.", Value: value{MinItems: 2, Unique: true}, Each: NameSchema},
	"Rule.vms":      {Text: "VMs that are on hosts with the labels of on.", Value: value{MinItems: 1, Unique: true}, Each: NameSchema},
	"Rule.on": {Text: "Labels, all of which the hosts carry.", Value: value{MinEntries: 1, Examples: []any{map[string]string{"site": "turin"}}},
		Each: NodeSchema, EachName: NameSchema},
}
