package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// bound is a socket on a port of 127.0.0.1 that the kernel chose.
func bound(t *testing.T) (socket, string) {
	t.Helper()
	s, err := listen(0)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := syscall.Getsockname(int(s))
	if err != nil {
		t.Fatal(err)
	}
	return s, strconv.Itoa(addr.(*syscall.SockaddrInet4).Port)
}

// echoing runs an echo until the test's process ends: a blocked receive holds on to
// its socket even when that is closed.
func echoing(t *testing.T) string {
	s, port := bound(t)
	go echoOn(s)
	return port
}

func TestPingFindsEveryAnswer(t *testing.T) {
	port := echoing(t)
	var out bytes.Buffer
	if err := run([]string{"ping", "127.0.0.1", port, "50", "1ms", "1000"}, &out); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^ping 127\.0\.0\.1:\d+: 50 sent, 0 lost, min \S+, p50 \S+, p90 \S+, p99 \S+, p99\.9 \S+, max \S+\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("ping printed %q", out.String())
	}
}

func TestPingSaysThatNobodyAnswers(t *testing.T) {
	s, port := bound(t) // it takes the datagrams and says nothing
	defer s.close()
	if err := run([]string{"ping", "127.0.0.1", port, "2", "1ms"}, io.Discard); err == nil {
		t.Error("ping without an echo succeeded")
	}
}

// Twice the same answer must not stand for another request that got none.
func TestRoundTripsCountAnAnswerOnce(t *testing.T) {
	s, _ := bound(t)
	peer, err := syscall.Getsockname(int(s))
	if err != nil {
		t.Fatal(err)
	}
	peer.(*syscall.SockaddrInet4).Addr = [4]byte{127, 0, 0, 1}
	go func() {
		buf := make([]byte, maxPayload)
		for {
			n, from, _, err := s.receive(buf)
			if err != nil {
				return
			}
			if buf[pingHeader-1]%2 == 0 { // of the number
				s.send(buf[:n], from)
				s.send(buf[:n], from)
			}
		}
	}()
	own, err := listen(0)
	if err != nil {
		t.Fatal(err)
	}
	defer own.close()
	trips, err := roundTrips(own, peer, 20, time.Millisecond, 64)
	if err != nil {
		t.Fatal(err)
	}
	if len(trips) != 10 || slices.Min(trips) <= 0 {
		t.Errorf("20 requests, every other answered twice, gave %d round trips: %v", len(trips), trips)
	}
}

func TestWaitForAnEcho(t *testing.T) {
	port := echoing(t)
	if err := run([]string{"wait", "127.0.0.1", port, "10"}, io.Discard); err != nil {
		t.Error(err)
	}
	s, silent := bound(t)
	defer s.close()
	if err := run([]string{"wait", "127.0.0.1", silent, "10ms"}, io.Discard); !errors.Is(err, errSilent) {
		t.Errorf("wait without an echo: %v, want %v", err, errSilent)
	}
}

func TestEchoSaysThatThePortIsTaken(t *testing.T) {
	s, port := bound(t)
	defer s.close()
	if err := run([]string{"echo", port}, io.Discard); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("echo on a port in use: %v, want %v", err, syscall.EADDRINUSE)
	}
}

// lines passes on what is printed, and fails the print after the first, which is how
// a sink ends.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	select {
	case l <- string(b):
		return len(b), nil
	default:
		return 0, io.ErrClosedPipe
	}
}

// What blast says that it sent and what sink says that came must agree with each
// other: both count frames. The rate itself is TestPaceKeepsItsRate's.
func TestSinkCountsWhatBlastSends(t *testing.T) {
	s, port := bound(t)
	printed := make(lines, 1)
	go sinkOn(s, 9, printed)
	var out bytes.Buffer
	if err := run([]string{"blast", "127.0.0.1", port, "8Mbit", "1500ms", "958"}, &out); err != nil {
		t.Fatal(err)
	}
	var rate float64
	var sent, lost int
	if _, err := fmt.Sscanf(out.String(), "blast 127.0.0.1:"+port+": %f bit/s, %d sent, %d not sent", &rate, &sent, &lost); err != nil {
		t.Fatalf("blast printed %q: %v", out.String(), err)
	}
	if want := 8e6 * 1.5 / (1000 * 8); sent == 0 || float64(sent) > want+1 || lost != 0 {
		t.Errorf("blast of 8Mbit in frames of 1000 bytes for 1.5s sent %d and lost %d, want at most %v and 0", sent, lost, want)
	}
	var came float64
	var packets int
	select {
	case line := <-printed:
		if _, err := fmt.Sscanf(line, "sink 9: %f bit/s, %d packets", &came, &packets); err != nil {
			t.Fatalf("sink printed %q: %v", line, err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("sink printed nothing in 10s")
	}
	// The window is at least a second: so many frames of 8000 bits cannot be more bit/s.
	if packets == 0 || packets > sent || came > float64(packets)*8000 || came < float64(packets)*8000/10 {
		t.Errorf("sink saw %d packets of %d and %v bit/s", packets, sent, came)
	}
}

// Over any time, with any delays of the sender, no more frames leave than the rate
// and the debt allow; and a sender that is never late sends all that is due.
func TestPaceKeepsItsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frame := rapid.IntRange(frameBytes+1, 65549).Draw(t, "frame")
		rate := rapid.Float64Range(1e5, 1e9).Draw(t, "rate")
		p, now, sent := newPace(frame, rate), time.Duration(0), 0
		late := rapid.SliceOfN(rapid.Int64Range(0, int64(200*time.Millisecond)), 0, 5).Draw(t, "late")
		for range 300 {
			if sleep := p.take(now); sleep > 0 {
				now += sleep
			} else {
				sent++
			}
			if len(late) > 0 && sent%50 == 49 {
				now += time.Duration(late[0])
				late = late[1:]
			}
			// A nanosecond for each frame is what rounding may take.
			bits, due := float64(sent-1)*float64(frame)*8, rate*(now.Seconds()+float64(sent)*1e-9)
			if bits > due*1.000001 {
				t.Fatalf("%d frames of %d bytes in %v are more than %.0f bit/s", sent, frame, now, rate)
			}
		}
	})
}

func TestPaceSendsAllThatIsDue(t *testing.T) {
	p, sent := newPace(1000, 8e6), 0 // one frame a millisecond
	for now := time.Duration(0); now < time.Second; {
		sleep := p.take(now)
		if sleep == 0 {
			sent++
		}
		now += sleep
	}
	if sent != 1000 {
		t.Errorf("sent %d frames in a second of one every millisecond", sent)
	}
}

func TestPaceForgetsLongDelays(t *testing.T) {
	p := newPace(1000, 8e6)
	p.take(0)
	sent := 0
	for now := 10 * time.Second; p.take(now) == 0; {
		sent++
	}
	if most := int(debt/time.Millisecond) + 2; sent < 2 || sent > most {
		t.Errorf("after 10s of delay %d frames left at once, want at most %d", sent, most)
	}
}

func TestPercentile(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for thousandths, want := range map[int]time.Duration{500: 50, 900: 90, 990: 99, 999: 100, 1: 1} {
		if got := percentile(hundred, thousandths); got != want {
			t.Errorf("percentile %d of 1..100 = %d, want %d", thousandths, got, want)
		}
	}
	if got := percentile([]time.Duration{7}, 500); got != 7 {
		t.Errorf("median of one value 7 = %d", got)
	}
}
