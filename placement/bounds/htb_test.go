package bounds

import (
	"testing"

	"pgregory.net/rapid"
)

func TestFraming(t *testing.T) {
	for _, v := range []struct {
		f       Framing
		message int64
		want    int64
	}{
		{ClassFraming(1500), 0, 42},
		{ClassFraming(1500), 100, 142},
		{ClassFraming(1500), 1472, 1514},
		{ClassFraming(1500), 1473, 1473 + 2*42},
		{ClassFraming(1500), 8192, 8192 + 6*42},
		{CableFraming(1500, false), 0, 84},
		{CableFraming(1500, false), 18, 84}, // the shortest frame: 46 bytes inside
		{CableFraming(1500, false), 19, 85},
		{CableFraming(1500, false), 1473, 1538 + 84},
		{CableFraming(1450, true), 1422, 1422 + 28 + 38 + 50},
	} {
		if got, ok := v.f.Bytes(v.message); got != v.want || !ok {
			t.Errorf("%+v: a message of %d counts %d, %v, want %d", v.f, v.message, got, ok, v.want)
		}
	}
	for _, f := range []Framing{{}, ClassFraming(28), ClassFraming(-1)} {
		if _, ok := f.Bytes(1); ok {
			t.Errorf("%+v carries a message", f)
		}
	}
}

// IP fragments need their payload in multiples of 8 and have no second UDP header:
// they are never more, nor larger in sum, than what is counted.
func TestFramingCoversFragments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mtu := rapid.Int64Range(68, 9000).Draw(t, "mtu")
		message := rapid.Int64Range(0, 65507).Draw(t, "message")
		f := ClassFraming(mtu)
		frames, _ := f.Frames(message)
		counted, _ := f.Bytes(message)
		datagram := message + 8
		var fragments, bytes int64
		for {
			fragments++
			if datagram <= mtu-20 {
				bytes += datagram + 20 + EthernetFrame
				break
			}
			part := (mtu - 20) / 8 * 8
			datagram -= part
			bytes += part + 20 + EthernetFrame
		}
		if fragments > frames || bytes > counted {
			t.Fatalf("mtu %d, %d bytes: %d fragments, %d bytes; counted %d, %d", mtu, message, fragments, bytes, frames, counted)
		}
	})
}

func TestSendTime(t *testing.T) {
	for _, v := range []struct{ bytes, rate, want int64 }{
		{0, 0, 0}, {1, 0, Inf}, {1538, 1e9, 12304}, {1538, 100e6, 123040}, {1, 3, 2666666667}, {1, 8e9, 1}, {1, 16e9, 1},
		{1 << 60, 1, Inf}, {Inf, 1e9, Inf}, {1, -5, Inf},
	} {
		if got := SendTime(v.bytes, v.rate); got != v.want {
			t.Errorf("%d bytes at %d bit/s: %d ns, want %d", v.bytes, v.rate, got, v.want)
		}
	}
	for _, v := range []struct{ sigma, rate, burst, want int64 }{
		{1000, 8e6, 2000, 0}, {2000, 8e6, 2000, 0}, {3000, 8e6, 2000, 1e6}, {3000, 0, 2000, Inf}, {3000, 0, 3000, 0},
	} {
		if got := ShaperDelay(v.sigma, v.rate, v.burst); got != v.want {
			t.Errorf("burst of %d in a bucket (%d bit/s, %d): %d ns, want %d", v.sigma, v.rate, v.burst, got, v.want)
		}
	}
}

func TestBytesIn(t *testing.T) {
	for _, v := range []struct{ t, rate, want int64 }{{0, 1e9, 0}, {8, 1e9, 1}, {9, 1e9, 2}, {1e9, 8, 1}, {Inf, 1, Inf}, {5, 0, 0}, {1 << 62, 1 << 62, Inf}} {
		if got := BytesIn(v.t, v.rate); got != v.want {
			t.Errorf("%d ns at %d bit/s: %d bytes, want %d", v.t, v.rate, got, v.want)
		}
	}
}
