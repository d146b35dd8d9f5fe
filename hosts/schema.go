package hosts

import (
	"reflect"

	"github.com/vsnctl/vsnctl/vsn"
	"github.com/vsnctl/vsnctl/vsn/strict"
)

// Schema is the JSON Schema of a kind of document, Network or Inventory, or, when
// kind is "", of both, by what a document says it is.
func Schema(kind string) ([]byte, error) { return vsn.Vocabulary.Merge(Vocabulary).JSONSchema(kind) }

// Vocabulary describes Inventory documents. Its quantities are those of package vsn.
var Vocabulary = strict.Vocabulary{
	Version: vsn.APIVersion,
	Kinds:   []strict.Kind{{Name: KindInventory, Value: Inventory{}}},
	Types: map[reflect.Type]strict.Schema{
		reflect.TypeFor[CPUs](): {OneOf: []*strict.Schema{
			{Type: "integer", Minimum: 1, Maximum: MaxCPUs, Description: "So many CPUs, with ids from 0."},
			{Type: "array", MinItems: 1, Description: "CPUs by id."},
		}},
		reflect.TypeFor[Duplex]():    {Type: "string", Enum: []string{string(FullDuplex), string(HalfDuplex)}},
		reflect.TypeFor[Objective](): {Type: "string", Enum: []string{string(LeastBandwidth), string(FewestHosts), string(Balance), string(LeastMoved)}},
		reflect.TypeFor[Accel]():     {Type: "string", Enum: []string{string(AccelAuto), string(AccelKVM), string(AccelTCG)}},
	},
	Notes: notes,
}

type (
	value = strict.Schema
	note  = strict.Note
)

var notes = map[string]note{
	"Inventory":          {Text: "What may be used: hosts and switches, joined by cables. Several documents make one inventory."},
	"Inventory.hosts":    {Text: "The hosts."},
	"Inventory.switches": {Text: "The switches between them."},
	"Inventory.cables":   {Text: "What joins hosts and switches."},
	"Inventory.objective": {Text: "What plans should cost little of, the most important first. bandwidth: rate times hops of the links. hosts: hosts that carry or forward something. balance: the largest part taken of any budget of a host. moves: VMs that leave their hosts (vsnctl plan --before). Absent: bandwidth, then hosts. vsnctl plan --objective goes before it.",
		Value: value{MinItems: 1, Unique: true, Examples: []any{[]Objective{FewestHosts, LeastBandwidth}}}},

	"Host":      {Text: "What one machine offers."},
	"Host.name": {Text: "Name of the host, unique among hosts and switches.", Value: vsn.NodeSchema},
	"Host.address": {Text: "Where the machine is, ssh://[user@]host[:port]. Absent: this machine.",
		Value: value{Pattern: AddressPattern, MaxLength: maxAddress, Examples: []any{"ssh://root@pn1"}}},
	"Host.labels": {Text: "What place rules choose hosts by.", Each: vsn.NodeSchema, EachName: vsn.NameSchema,
		Value: value{Examples: []any{map[string]string{"site": "turin", "rack": "a"}}}},
	"Host.cpus": {Text: "The logical CPUs: a number, or a list of {id, node, share}."},
	"Host.share": {Text: "What reservations may take of each CPU. The kernel gives real-time tasks 0.95 of it, and keeps 0.05 of that for the others.",
		Value: value{Default: DefaultShare}},
	"Host.grain": {Text: "How finely the scheduler enforces a budget: one tick of the kernel's HZ, unless HRTICK_DL is on. vsnctl probe finds it.",
		Value: value{Default: DefaultGrain}},
	"Host.memory": {Text: "Memory for virtual machines.", Value: value{Examples: []any{vsn.Size(16 << 30)}}},
	"Host.resources": {Text: "Anything else that is counted, and how many of it there are.", Each: vsn.CountSchema, EachName: vsn.NameSchema,
		Value: value{Examples: []any{map[string]int{"gpu": 2}}}},
	"Host.delay":   {Text: "The most that a frame spends in the host's bridges and interrupts, queues apart.", Value: value{Default: DefaultHostDelay}},
	"Host.transit": {Text: "Whether the host forwards what is not its own.", Value: value{Default: false}},
	"Host.partition": {Text: "Whether CPUs may get scheduling domains of their own, which changes scheduling for the whole machine. Without it reservations share all CPUs (global EDF) and bounds are weaker.",
		Value: value{Default: false}},
	"Host.accel":    {Text: "How guests run. auto: kvm where it works, else tcg with a warning.", Value: value{Default: AccelAuto}},
	"Host.emulator": {Text: "Processor time for the device threads of each VM, which do its network's work. Absent: they are best effort, and no bound over a link is backed."},

	"CPU":       {Text: "One logical CPU."},
	"CPU.id":    {Text: "Its number, as in /proc/cpuinfo.", Value: value{Minimum: 0, Maximum: MaxCPUs - 1}},
	"CPU.node":  {Text: "Its NUMA node.", Value: value{Minimum: 0, Maximum: MaxNUMANode, Default: 0}},
	"CPU.share": {Text: "What reservations may take of it. Absent: the host's share."},

	"Emulator":         {Text: "The reservation for the device threads of one VM."},
	"Emulator.runtime": {Text: "Processor time in every period, at least 1024ns, at most the period.", Value: value{Examples: []any{vsn.Duration(1e6)}}},
	"Emulator.period":  {Text: "How often the runtime comes again, 100us to 4.194304s.", Value: value{Examples: []any{vsn.Duration(10e6)}}},
	"Emulator.work":    {Text: "The most that one frame costs these threads, on the way out or in.", Value: value{Examples: []any{vsn.Duration(20e3)}}},

	"Switch":       {Text: "Joins cables, and forwards whole frames."},
	"Switch.name":  {Text: "Name of the switch, unique among hosts and switches.", Value: vsn.NodeSchema},
	"Switch.delay": {Text: "The most that a frame spends inside, queues apart.", Value: value{Examples: []any{vsn.Duration(5e3)}}},

	"Cable": {Text: "Joins two nodes."},
	"Cable.name": {Text: "Name of the cable. Absent: its ends, as in pn1--tor1; parallel cables need names.",
		Value: value{Pattern: vsn.NodePattern, MaxLength: MaxCableName}},
	"Cable.between": {Text: "The two hosts or switches.", Value: value{MinItems: 2, MaxItems: 2, Unique: true}, Each: vsn.NodeSchema},
	"Cable.rate":    {Text: "What it carries in each direction, or, half duplex, in both together.", Value: value{Examples: []any{vsn.Rate(1e9)}}},
	"Cable.share":   {Text: "What links may take of the rate. The rest is for ARP, control and framing.", Value: value{Default: DefaultCableShare}},
	"Cable.delay":   {Text: "Propagation, about 5ns a metre.", Value: value{Examples: []any{vsn.Duration(2e3)}}},
	"Cable.duplex": {Text: "full: each direction has the rate. half: both directions share it, and a link takes its own rate of it once, for both.",
		Value: value{Default: FullDuplex}},
	"Cable.device": {Text: "The network interface at the host that it is plugged into.", Value: value{Pattern: DevicePattern, Examples: []any{"eth1"}}},
}
