package hosts

// Assumption is what must be so for a proof to speak of the real machine.
type Assumption struct {
	Kind    Rest   `json:"kind"`
	Subject string `json:"subject"` // "host pn1", "vm robot/arm", "link robot/video", "flows", "cables", "cable a--b", "networks", "network robot", "host pn1 cpu 0"
	Says    string `json:"says"`
	// Value is the number that the assumption is about, where its kind has one.
	Value int64 `json:"value,omitempty"`
	// Backed says that deploy makes it so or looks whether it is, and tells; what is
	// not backed is a promise under a condition, and is shown as one.
	Backed bool `json:"backed"`
}

// Rest is a kind of Assumption: what Verify goes by.
type Rest string

// What a machine can be asked.
const (
	RestRootDomain  Rest = "root-domain"     // each CPU with reservations is a root domain of its own
	RestOneDomain   Rest = "one-root-domain" // all CPUs are one root domain
	RestAlone       Rest = "alone"           // no deadline task but the plan's runs on those CPUs
	RestReservation Rest = "reservation"     // each vCPU of the plan holds its reservation
	RestAdmission   Rest = "admission"       // Value: the share of a CPU that the kernel grants, in vsn.Share
	RestGrain       Rest = "grain"           // Value: budgets are enforced within so many ns
	RestSpeed       Rest = "speed"           // CPUs run as fast as where work was measured
	RestSteal       Rest = "steal"           // no outer hypervisor takes time away
	RestDevice      Rest = "device-thread"   // device threads hold their reservation
	RestClass       Rest = "class"           // each direction of a link with a rate has its class
)

// What is declared by whoever wrote the request and the inventory, and no machine
// can be asked.
const (
	RestOrder     Rest = "guest-order"   // guests work on messages in order
	RestTasks     Rest = "guest-tasks"   // guests schedule their tasks as they say
	RestFrameWork Rest = "frame-work"    // what one frame costs device threads
	RestBridge    Rest = "bridge-delay"  // what bridges and interrupts take
	RestFlows     Rest = "flows"         // messages keep to their size, interval and work
	RestCables    Rest = "cables"        // cross traffic on cables
	RestDuplex    Rest = "half-duplex"   // how two directions share a cable
	RestBuffer    Rest = "switch-buffer" // Value: the bytes that a switch has room for before a cable
	RestActive    Rest = "activity"      // when networks are active
	// RestConfidence is a probability with which bounds hold; Value: vsn.Share.
	RestConfidence Rest = "confidence"
)

// What the bounds leave out: a promise that meets it is not backed.
const (
	RestBestEffort  Rest = "best-effort"        // a VM without a reservation
	RestDeviceSpare Rest = "device-best-effort" // device threads without one
	RestNoRate      Rest = "no-rate"            // a link without a rate
	RestOverbooked  Rest = "overbooked"         // a CPU that cannot hold all its reservations at once
)

// Ground is what stands behind the promises of a network: kept with its domains, so
// that any time later the machine can be held against it.
type Ground struct {
	Rests []Assumption  `json:"rests,omitempty"`
	Flows []FlowPromise `json:"flows,omitempty"`
	// Beside are the reservations of the networks that were planned together with this
	// one on this host: the proof has counted them.
	Beside []Reservation `json:"beside,omitempty"`
}

// FlowPromise is the bound that was proved for a flow, and the subjects of the
// assumptions that it rests on.
type FlowPromise struct {
	Flow       string   `json:"flow"`
	BoundNs    int64    `json:"boundNs,omitempty"`    // 0: no bound
	DeadlineNs int64    `json:"deadlineNs,omitempty"` // 0: none was asked for
	On         []string `json:"on"`
}
