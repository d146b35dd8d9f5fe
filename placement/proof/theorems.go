package proof

// theorems are, for each rule, what it rests on, in a sentence with its source;
// docs/theory.md has them at length.
var theorems = map[string]string{
	RuleMemory:   `The memory of all VMs on a host sums to no more than the host's.`,
	RuleResource: `What the VMs on a host ask for sums to no more than it has.`,
	RuleEDF: `Implicit deadlines on one processor under EDF are met if and only if the utilizations Q/P sum to no more
than there is of it (Liu and Layland 1973).`,
	RuleGFB: `Under global EDF on m processors all deadlines are met if the sum of U is at most m - (m-1) Umax
(Goossens, Funk and Baruah 2003), the shares in the place of m.`,
	RuleApart:     `No two of these VMs are on one host: pairs that are.`,
	RuleTogether:  `These VMs are on one host: pairs that are not.`,
	RuleLabels:    `The hosts of these VMs carry the labels asked for: those that they do not carry.`,
	RuleSpread:    `No two of these VMs are on hosts with the same value of the label, nor on one without it: those that are.`,
	RulePinned:    `The VM is on the host that it was put on: those that are not.`,
	RuleObjective: `What the placement costs by one criterion. Nothing limits it.`,
	RuleCable:     `The rates of all links over a cable sum to no more than its share of its rate.`,
	RuleLink: `What conforms to a link's rate and burst is delayed by what shares the cables on its way. Each of its
bounds holds, so that the least does.`,
	RuleHops: `The sum over all cables of the delay of all bursts there and a frame that had begun: behind a switch
in one queue (Cruz 1991), behind a host for what the others leave (Le Boudec and Thiran 2001, theorem
6.2.1).`,
	RuleLinkTandem: `What the others leave of each cable is a rate and a latency; latencies in a row add up, and the link's
own burst is paid once, at the slowest (Goyal, Lam and Vin 1995; Stiliadis and Varma 1998; Le Boudec
and Thiran 2001, theorem 6.4.1).`,
	RuleLinkPMOO: `The burst of every other link is paid once as well, where it joins (pay multiplexing only once: Schmitt,
Zdarsky and Martinovic 2008).`,
	RuleCycle: `Bursts and delays on a ring of cables depend on one another: the least fixed point, where it is finite,
is a bound (Thomas, Le Boudec and Mifdaoui 2019; Tindell and Clark 1994).`,
	RuleWaiting: `What may wait before a cable: all that comes at once, and what comes while the cable sends what others
have (Le Boudec and Thiran 2001, theorems 1.4.1 and 6.2.1). A host's class has room for it.`,
	RuleLoad: `The flows over a port, framing counted, come no faster than it sends.`,
	RuleShaper: `A token bucket (r, b) delays what comes at once, s bytes of all flows of the link, by at most
max(0, s - b) / r (Le Boudec and Thiran 2001, section 1.5).`,
	RuleBacklog: `What comes at once, a message of each flow and what its jitter adds, m (B + J/T), fits the queue.`,
	RuleRequest: `Messages of all flows that pass a VM are served first come first served by one vCPU, which has Q of
processor time every P. The delay is the largest horizontal distance between what they ask and the
inverse of the least supply (Le Boudec and Thiran 2001, theorem 1.4.2; Shin and Lee 2003).`,
	RuleDevice: `The same for the frames of the messages in the device threads of a VM (Le Boudec and Thiran 2001,
theorem 1.4.2; Shin and Lee 2003).`,
	RuleBusy: `The guest's tasks come before messages: a message is done by the end of the longest busy period of
both (Lehoczky 1990; Shin and Lee 2003).`,
	RuleJoin: `Work begins when the message has come over every way: the latest counts.`,
	RuleStages: `Delays of stages in a row add up; behind a stage with delay d a message may be d late, which later
stages count as jitter (Tindell and Clark 1994).`,
	RuleTandem: `What first come first served leaves beside all other traffic is a rate and a latency (Le Boudec and
Thiran 2001, theorem 6.2.2). A message pays latency and its own service at each stage, and those
released with it once, at the slowest (latency-rate servers: Stiliadis and Varma 1998).`,
	RuleGuestEDF: `Tasks under EDF meet their deadlines if and only if in no window the work released and due in it
exceeds the least supply (Baruah, Mok and Rosier 1990; Shin and Lee 2003). Short of supply: none.`,
	RuleGuestFixed: `A task is done within the least R with R = time(C + sum of C_i ceil(R / T_i)) over the tasks of higher
priority (Joseph and Pandya 1986; Lehoczky 1990; with a supply, Shin and Lee 2003).`,
	RuleOdds: `Networks are active independently of one another, each as a whole. While this one is, the others that
are active with it leave it its processor time on all its CPUs with the probability of all sets of active
networks that fit, by convolution: exactly, or where there are very many, rounded against this network
(Konstanteli, Cucinotta, Psychas and Varvarigou 2014; Harris 1960).`,
	RuleCost: `What all reservations and all links with a rate take in sum.`,
}
