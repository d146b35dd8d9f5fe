package simulation

// job is processor time that something asks for.
type job struct {
	left int64 // ns
	rank int64 // of a task: the least runs first
	done func()
}

// supply gives a processor its time: it calls turn. It is told when there begins to
// be work and when there is no more.
type supply interface {
	busy()
	idle()
}

// processor is a virtual CPU, or the thread of some devices: tasks first, by rank,
// then one message, then what never ends, if it has that.
type processor struct {
	clock   *clock
	supply  supply
	on      bool // it is being given time
	since   int64
	tasks   []*job
	message *job
	endless bool // there is always something to do, after all else
	wants   bool
	turns   int64
}

// current is the job that runs when there is time; nil for what never ends, or none.
func (p *processor) current() *job {
	best := p.message
	for i := len(p.tasks) - 1; i >= 0; i-- {
		if t := p.tasks[i]; best == p.message || t.rank <= best.rank {
			best = t
		}
	}
	return best
}

// account counts what the current job has got until now.
func (p *processor) account() {
	if j := p.current(); p.on && j != nil {
		j.left -= p.clock.now - p.since
	}
	p.since = p.clock.now
}

// turn begins or ends the giving of time.
func (p *processor) turn(on bool) {
	if on == p.on {
		return
	}
	p.account()
	p.on = on
	p.settle()
}

// add brings work: a task, or the message. What is done just now is done before.
func (p *processor) add(j *job, task bool) {
	p.account()
	p.finish()
	if task {
		p.tasks = append(p.tasks, j)
	} else {
		p.message = j
	}
	p.settle()
}

// settle ends what is done, and has the end of the current job happen.
func (p *processor) settle() {
	p.finish()
	p.turns++
	if wants := p.endless || p.current() != nil; wants != p.wants {
		p.wants = wants
		if wants {
			p.supply.busy()
		} else {
			p.supply.idle()
		}
	}
	if j := p.current(); p.on && j != nil {
		turn := p.turns
		p.clock.at(p.clock.now+j.left, func() {
			if p.turns == turn {
				p.account()
				p.settle()
			}
		})
	}
}

func (p *processor) finish() {
	for j := p.current(); j != nil && j.left <= 0; j = p.current() {
		p.drop(j)
		j.done()
	}
}

func (p *processor) drop(j *job) {
	if j == p.message {
		p.message = nil
		return
	}
	for i, t := range p.tasks {
		if t == j {
			p.tasks = append(p.tasks[:i:i], p.tasks[i+1:]...)
			return
		}
	}
}

// station is one queue, first come first served, before one or more processors,
// each of which works on a message from begin to end. No processor is idle while a
// message waits.
type station struct {
	processors []*processor
	queue      []*job
	early      bool // a processor takes a message while it has tasks to do
	came       func()
	serving    bool
}

func (s *station) arrive(work int64, done func()) {
	if s.came != nil {
		s.came()
	}
	s.queue = append(s.queue, &job{left: work, done: done})
	s.serve()
}

// serve gives the messages that wait to processors; the last is asked first, so that
// it is not always the same whose supply is well known.
func (s *station) serve() {
	if s.serving {
		return
	}
	s.serving = true
	for again := true; again && len(s.queue) > 0; {
		again = false
		for i := len(s.processors) - 1; i >= 0 && len(s.queue) > 0; i-- {
			p := s.processors[i]
			if p.message != nil || len(p.tasks) > 0 && !s.early {
				continue
			}
			next := s.queue[0]
			s.queue = s.queue[1:]
			p.add(next, false)
			again = true
		}
	}
	s.serving = false
}
