package main

import (
	"fmt"
	"io"
	"time"
)

// debt is how far behind its schedule a sender may be and still catch up at once.
// Without a limit a sender that was held up would later exceed its rate for long.
const debt = 50 * time.Millisecond

// pace spreads frames evenly over time at a rate: the next one is due when the
// ones before have taken their time on a wire of that rate.
type pace struct {
	each time.Duration // that one frame takes
	next time.Duration // when the next frame is due, since the start
}

// newPace is for frames of so many bytes at a rate in bit/s.
func newPace(frame int, rate float64) *pace {
	return &pace{each: max(1, time.Duration(float64(frame)*8e9/rate))}
}

// take books one frame if one is due at now, else it says how long to sleep.
func (p *pace) take(now time.Duration) (sleep time.Duration) {
	if now < p.next {
		return p.next - now
	}
	p.next = max(p.next+p.each, now-debt)
	return 0
}

func blast(args []string, out io.Writer) error {
	if err := count(args, 4, 5); err != nil {
		return err
	}
	peer, err := parsePeer(args[0], args[1])
	if err != nil {
		return err
	}
	rate, err := parseRate(args[2])
	if err != nil {
		return err
	}
	length, err := parseSpan(args[3])
	if err != nil {
		return err
	}
	size, err := parseSize(args[4:], 1, defaultBlast)
	if err != nil {
		return err
	}
	s, err := listen(0)
	if err != nil {
		return err
	}
	defer s.close()
	payload, start, p, sent, lost := make([]byte, size), time.Now(), newPace(size+frameBytes, rate), 0, 0
	for now := time.Duration(0); now < length; now = time.Since(start) {
		if sleep := p.take(now); sleep > 0 {
			time.Sleep(min(sleep, length-now))
			continue
		}
		ok, err := s.send(payload, peer)
		if err != nil {
			return err
		}
		if ok {
			sent++
		} else {
			lost++
		}
	}
	took := time.Since(start)
	_, err = fmt.Fprintf(out, "blast %s:%s: %.0f bit/s, %d sent, %d not sent, in %v\n",
		args[0], args[1], float64(sent)*float64(size+frameBytes)*8/took.Seconds(), sent, lost, took.Round(time.Millisecond))
	return err
}

// window is how long sink counts before it prints.
const window = time.Second

func sink(args []string, out io.Writer) error {
	if err := count(args, 1, 1); err != nil {
		return err
	}
	port, err := parsePort(args[0])
	if err != nil {
		return err
	}
	s, err := listen(port)
	if err != nil {
		return err
	}
	defer s.close()
	return sinkOn(s, port, out)
}

// sinkOn ends when it cannot print any more. Silent seconds are not printed: a line
// on an emulated serial console costs a guest more than a frame.
func sinkOn(s socket, port int, out io.Writer) error {
	if err := s.timeout(window / 5); err != nil {
		return err
	}
	buf, start, bytes, packets := make([]byte, maxPayload), time.Now(), 0, 0
	for {
		n, _, ok, err := s.receive(buf)
		if err != nil {
			return err
		}
		if ok {
			bytes += n + frameBytes
			packets++
		}
		took := time.Since(start)
		if took < window {
			continue
		}
		if packets > 0 {
			_, err = fmt.Fprintf(out, "sink %d: %.0f bit/s, %d packets\n", port, float64(bytes)*8/took.Seconds(), packets)
			if err != nil {
				return err
			}
		}
		start, bytes, packets = time.Now(), 0, 0
	}
}
