package hosts

import "github.com/vsnctl/vsnctl/vsn"

// Facts are what a machine says of itself that promises rest on and nobody deploys.
type Facts struct {
	ClockNs int64 `json:"clockNs"` // monotonic, when they were read
	// Foreign are the SCHED_DEADLINE threads that are no Reservation of ours.
	Foreign []DeadlineThread `json:"foreign,omitempty"`
	// Split says what keeps the CPUs that have no Partition from being one root domain.
	Split string `json:"split,omitempty"`
	// Share is what reservations may take of each CPU; Unlimited that the kernel admits
	// whatever is asked (sched_rt_runtime_us of -1).
	Share     vsn.Share `json:"share"`
	Unlimited bool      `json:"unlimited,omitempty"`
	// Grain is what Probe says of the kernel's configuration, GrainFrom where that
	// comes from, empty where it is only a default.
	Grain     vsn.Duration `json:"grain"`
	GrainFrom string       `json:"grainFrom,omitempty"`
	// Measured is the grain that a run beside nothing else showed, 0 where there was
	// none.
	Measured vsn.Duration `json:"measured,omitempty"`
	// Hypervisor names what runs this machine, where it is a virtual one; StealNs is
	// what it took from each CPU since boot.
	Hypervisor string        `json:"hypervisor,omitempty"`
	StealNs    map[int]int64 `json:"stealNs,omitempty"`
	// Governors are the frequency governors in use other than "performance", sorted;
	// SMT says that CPUs share cores.
	Governors []string `json:"governors,omitempty"`
	SMT       bool     `json:"smt,omitempty"`
}

// DeadlineThread is a thread with SCHED_DEADLINE.
type DeadlineThread struct {
	Process   string `json:"process"` // its name
	PID       int    `json:"pid"`
	CPUs      []int  `json:"cpus"`
	RuntimeNs int64  `json:"runtimeNs"`
	PeriodNs  int64  `json:"periodNs"`
}
