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
		reflect.TypeFor[Stage](): {OneOf: []*strict.Schema{
			oneVM(),
			{Type: "array", MinItems: 1, MaxItems: MaxStage, Unique: true, Items: &NameSchema, Description: "The VMs that a message reaches at once."},
		}},
		reflect.TypeFor[GuestScheduler](): {Type: "string", Enum: []string{string(GuestEDF), string(GuestFixed)}},
	},
	Notes: notes,
}

// Schema is the JSON Schema of Network documents.
func Schema() ([]byte, error) { return Vocabulary.JSONSchema(KindNetwork) }

func oneVM() *strict.Schema {
	s := NameSchema.Refine(strict.Schema{Description: "The VM that a message reaches."})
	return &s
}

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
	"Network.confidence": {Text: "Probabilistic admission: while the network is active, all its reservations together have their processor time with at least this probability. Absent: always.",
		Value: value{Examples: []any{0.99}}},
	"Network.active": {Text: "The probability that the network is active, independent of others. Goes with confidence; 1 when absent.", Value: value{Examples: []any{0.3}}},

	"VM":             {Text: "A virtual machine and the processor time that it needs."},
	"VM.name":        {Text: "Name of the VM, unique in the network.", Value: NameSchema},
	"VM.vcpus":       {Text: "Number of virtual CPUs.", Value: value{Minimum: 1, Maximum: MaxVCPUs, Default: 1}},
	"VM.memory":      {Text: "Memory, rounded up to whole MiB.", Value: value{Examples: []any{Size(96 << 20), Size(4 << 30)}}},
	"VM.boot":        {Text: "Start from a kernel, without a boot loader. With a disk besides, the kernel comes from here. Without boot and disk the VM can be planned, not deployed."},
	"VM.disk":        {Text: "Start from, or with, a disk of its own."},
	"VM.reservation": {Text: "Processor time for each virtual CPU. Absent, or without a runtime, it is found by the planner from the tasks and from the deadlines of the flows through the VM. Where there is neither, the VM is best effort: nothing is promised."},
	"VM.tasks": {Text: "What runs inside the guest, in real time. The planner spreads the tasks over the virtual CPUs.",
		Value: value{MinItems: 1, MaxItems: MaxTasks}},
	"VM.guestScheduler": {Text: "How the guest orders its tasks: edf, the earliest deadline first; fixed, by priorities that follow the deadlines, the shortest first. Goes with tasks; edf when absent.",
		Value: value{Default: GuestEDF}},
	"VM.resources": {Text: "Anything else that hosts have a number of, and how many of it this VM needs.", Each: CountSchema, EachName: NameSchema,
		Value: value{Examples: []any{map[string]int{"gpu": 1}}}},

	"Boot":         {Text: "A kernel to start. Paths start from where this file is."},
	"Boot.kernel":  {Text: "Path of the kernel image.", Value: pathSchema},
	"Boot.initrd":  {Text: "Path of the initial RAM disk.", Value: pathSchema},
	"Boot.cmdline": {Text: "The kernel's command line.", Value: value{MaxLength: maxCmdline, Examples: []any{"console=ttyS0"}}},

	"Disk":       {Text: "A disk: an overlay of the VM's own on an image that is never written."},
	"Disk.image": {Text: "Path of the image. It starts from where this file is.", Value: pathSchema},

	"Reservation": {Text: "So much runtime in every period, for each virtual CPU (SCHED_DEADLINE)."},
	"Reservation.runtime": {Text: "Processor time in every period, at least 1024ns, at most the period. Under the host's grain (a tick, 4ms at 250 Hz) it arrives less evenly. Absent: the least that serves the tasks and the flows with a deadline.",
		Value: value{Examples: []any{Duration(20e6)}}},
	"Reservation.period": {Text: "How often the runtime comes again, 100us to 4.194304s. The longest wait for it is about twice period less runtime.",
		Value: value{Examples: []any{Duration(100e6)}}},

	"Task":          {Text: "A sporadic task of a guest."},
	"Task.name":     {Text: "Name of the task, unique in the VM.", Value: NameSchema},
	"Task.wcet":     {Text: "The most processor time that it needs each time, at most the deadline and the period.", Value: value{Examples: []any{Duration(2e6)}}},
	"Task.period":   {Text: "The least time from one release to the next.", Value: value{Examples: []any{Duration(20e6)}}},
	"Task.deadline": {Text: "The most time from release until it is done. Absent: the period.", Value: value{Examples: []any{Duration(20e6)}}},

	"Link":         {Text: "Joins two VMs, with rate and burst for each direction. At most one link joins the same two."},
	"Link.name":    {Text: "Name of the link, unique in the network.", Value: NameSchema},
	"Link.between": {Text: "The two VMs.", Value: value{MinItems: 2, MaxItems: 2, Unique: true}, Each: NameSchema},
	"Link.rate": {Text: "What is guaranteed, and the most that is let through, in each direction; rounded up to whole bytes per second. Without it nothing is promised: the link has no class of its own and shares 1Mbit, in each direction, with all else that its sender sends beside links with a rate.",
		Value: value{Examples: []any{Rate(20e6), Rate(1e9)}}},
	"Link.burst": {Text: "What may leave at once, at least one frame of 1514B. Absent, with a rate: the most that a flow sends over the link at once, its largest burst of messages with headers, and at least two frames.",
		Value: value{Examples: []any{Size(32 << 10)}}},
	"Link.delay": {Text: "The most that a frame may take over this link. Absent: any.", Value: value{Examples: []any{Duration(5e6)}}},

	"Flow":      {Text: "A message that passes VMs in turn, and costs work at each. What of processor time and rate its deadline needs, and is not given, is found by the planner."},
	"Flow.name": {Text: "Name of the flow, unique in the network.", Value: NameSchema},
	"Flow.path": {Text: "The VMs in the order in which the message passes them. Where it forks, several in a list, as in [a, [b, c], d]: each of them gets the message from every VM before, and starts when it has come from all. Links join every VM to every VM of the next stage; none comes twice.",
		Value: value{MinItems: 1, Unique: true}},
	"Flow.message": {Text: "Bytes of a message, without headers.", Value: value{Examples: []any{Size(8 << 10)}}},
	"Flow.every":   {Text: "The least time from one message to the next.", Value: value{Examples: []any{Duration(100e6)}}},
	"Flow.jitter":  {Text: "By how much a message may be released later than the pattern of every has it. Absent: 0.", Value: value{Examples: []any{Duration(2e6)}}},
	"Flow.burst":   {Text: "Messages that may be released at once, before every counts. Absent: 1.", Value: value{Minimum: 1, Maximum: MaxMessages, Default: 1}},
	"Flow.work": {Text: "Processor time that a message costs at most, by VM. Absent: none.", EachName: NameSchema,
		Value: value{Examples: []any{map[string]Duration{"detect": 5e6}}}},
	"Flow.deadline": {Text: "The most time from release at the first VM until the work at the last is done; at least the work along the longest way. Absent: any.",
		Value: value{Examples: []any{Duration(500e6)}}},

	"Rule": {Text: "Where VMs may be. Exactly one of apart, together, spread with over, and vms with on.",
		Value: value{OneOf: strict.RequireOneOf("apart", "together", "spread over", "vms on")}},
	"Rule.apart":    {Text: "VMs of which no two are on one host.", Value: value{MinItems: 2, Unique: true}, Each: NameSchema},
	"Rule.together": {Text: "VMs that are on one host.", Value: value{MinItems: 2, Unique: true}, Each: NameSchema},
	"Rule.spread":   {Text: "VMs of which no two are on hosts with the same value of the label over; hosts without that label carry none of them.", Value: value{MinItems: 2, Unique: true}, Each: NameSchema},
	"Rule.over":     {Text: "The label that spread goes by.", Value: NameSchema.Refine(value{Examples: []any{"rack"}})},
	"Rule.vms":      {Text: "VMs that are on hosts with the labels of on.", Value: value{MinItems: 1, Unique: true}, Each: NameSchema},
	"Rule.on": {Text: "Labels, all of which the hosts carry.", Value: value{MinEntries: 1, Examples: []any{map[string]string{"site": "turin"}}},
		Each: NodeSchema, EachName: NameSchema},
}
