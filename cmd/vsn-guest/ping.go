package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"
)

const (
	pingHeader  = 8           // the number of the datagram
	defaultPing = 64          // bytes of payload
	stragglers  = time.Second // how long an answer may still come after the last request
	knock       = 50 * time.Millisecond
)

func ping(args []string, out io.Writer) error {
	if err := count(args, 4, 5); err != nil {
		return err
	}
	peer, err := parsePeer(args[0], args[1])
	if err != nil {
		return err
	}
	requests, err := parseInt("count", args[2], 1, 10_000_000)
	if err != nil {
		return err
	}
	interval, err := parseSpan(args[3])
	if err != nil {
		return err
	}
	size, err := parseSize(args[4:], pingHeader, defaultPing)
	if err != nil {
		return err
	}
	s, err := listen(0)
	if err != nil {
		return err
	}
	defer s.close()
	trips, err := roundTrips(s, peer, requests, interval, size)
	if err != nil {
		return err
	}
	if len(trips) == 0 {
		return fmt.Errorf("no answer from %s:%s to %d datagrams", args[0], args[1], requests)
	}
	slices.Sort(trips)
	_, err = fmt.Fprintf(out, "ping %s:%s: %d sent, %d lost, min %v, p50 %v, p90 %v, p99 %v, p99.9 %v, max %v\n",
		args[0], args[1], requests, requests-len(trips), micro(trips[0]), micro(percentile(trips, 500)), micro(percentile(trips, 900)),
		micro(percentile(trips, 990)), micro(percentile(trips, 999)), micro(trips[len(trips)-1]))
	return err
}

// percentile is the smallest value that at least so many thousandths of the sorted
// values do not exceed (nearest rank).
func percentile(sorted []time.Duration, thousandths int) time.Duration {
	rank := (len(sorted)*thousandths + 999) / 1000
	return sorted[max(rank, 1)-1]
}

func micro(d time.Duration) time.Duration { return d.Round(time.Microsecond) }

// roundTrips sends at fixed moments whether or not answers come, so that a slow
// answer cannot hide the ones that it would have delayed.
func roundTrips(s socket, peer syscall.Sockaddr, requests int, interval time.Duration, size int) ([]time.Duration, error) {
	sent, trips := make([]time.Duration, requests), make([]time.Duration, 0, requests)
	answered, next := make([]bool, requests), 0
	payload, buf, start := make([]byte, size), make([]byte, maxPayload), time.Now()
	for len(trips) < requests {
		now, due := time.Since(start), time.Duration(next)*interval
		if next == requests {
			due = sent[requests-1] + stragglers
		}
		if now >= due {
			if next == requests {
				break
			}
			binary.BigEndian.PutUint64(payload, uint64(next))
			sent[next] = now
			next++
			if _, err := s.send(payload, peer); err != nil {
				return nil, err
			}
			continue
		}
		if err := s.timeout(due - now); err != nil {
			return nil, err
		}
		n, _, ok, err := s.receive(buf)
		if err != nil {
			return nil, err
		}
		if !ok || n < pingHeader {
			continue
		}
		if i := binary.BigEndian.Uint64(buf); i < uint64(next) && !answered[i] {
			answered[i] = true
			trips = append(trips, time.Since(start)-sent[i])
		}
	}
	return trips, nil
}

var errSilent = errors.New("no answer")

func wait(args []string, out io.Writer) error {
	if err := count(args, 3, 3); err != nil {
		return err
	}
	peer, err := parsePeer(args[0], args[1])
	if err != nil {
		return err
	}
	limit, err := parseSpan(args[2])
	if err != nil {
		return err
	}
	s, err := listen(0)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.timeout(knock); err != nil {
		return err
	}
	start, buf := time.Now(), make([]byte, maxPayload)
	for time.Since(start) < limit {
		if _, err := s.send([]byte{0}, peer); err != nil {
			return err
		}
		_, _, ok, err := s.receive(buf)
		if err != nil {
			return err
		}
		if ok {
			_, err = fmt.Fprintf(out, "wait %s:%s: answered after %v\n", args[0], args[1], time.Since(start).Round(time.Millisecond))
			return err
		}
	}
	return fmt.Errorf("%w from %s:%s in %v: is an echo running there?", errSilent, args[0], args[1], limit)
}
