package vsn_test

import (
	"encoding"
	"encoding/json"
	"math/big"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vsnctl/vsnctl/vsn"
)

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		into encoding.TextUnmarshaler
		text string
		want int64  // -1: refused
		form string // as it is written, or the error
	}{
		{new(vsn.Duration), "20ms", 20e6, "20ms"},
		{new(vsn.Duration), "20 ms", 20e6, "20ms"},
		{new(vsn.Duration), "1.5us", 1500, "1500ns"},
		{new(vsn.Duration), "1.5µs", 1500, "1500ns"},
		{new(vsn.Duration), "1e3s", 1000e9, "1000s"},
		{new(vsn.Duration), "2min", 120e9, "120s"},
		{new(vsn.Duration), "0s", 0, "0ns"},
		{new(vsn.Duration), "0.1ns", -1, `"0.1ns" is finer than can be kept`},
		{new(vsn.Duration), "20", -1, `"20" has no unit: write it like "20ms" (s, ms, us, ns, µs, μs, min, h)`},
		{new(vsn.Duration), "ms", -1, `"ms" is not a quantity: write it like "20ms"`},
		{new(vsn.Duration), "-1ms", -1, `"-1ms" is not a quantity: write it like "20ms"`},
		{new(vsn.Duration), "+1ms", -1, `"+1ms" is not a quantity: write it like "20ms"`},
		{new(vsn.Duration), ".5ms", -1, `".5ms" is not a quantity: write it like "20ms"`},
		{new(vsn.Duration), "5.ms", -1, `"5.ms" is not a quantity: write it like "20ms"`},
		{new(vsn.Duration), "1_0ms", -1, `"1_0ms" is not a quantity: write it like "20ms"`},
		{new(vsn.Duration), "1h30min", -1, `"1h30min": unknown unit "h30min" (want s, ms, us, ns, µs, μs, min, h)`},
		{new(vsn.Duration), "5 ms ", -1, `"5 ms ": unknown unit "ms " (want s, ms, us, ns, µs, μs, min, h)`},
		{new(vsn.Duration), "5  ms", -1, `"5  ms" is not a quantity: write it like "20ms"`},
		{new(vsn.Duration), "2305843009213693951ns", 1<<61 - 1, "2305843009213693951ns"},
		{new(vsn.Duration), "2305843009213693952ns", -1, `"2305843009213693952ns" is too large`},
		{new(vsn.Duration), "1e99s", -1, `"1e99s" is too large`},
		{new(vsn.Duration), "1e100s", -1, `"1e100s" is not a quantity: write it like "20ms"`},
		{new(vsn.Rate), "20Mbit", 20e6, "20Mbit"},
		{new(vsn.Rate), "1.5Gbit", 1500e6, "1500Mbit"},
		{new(vsn.Rate), "20Mb", -1, `"20Mb": unknown unit "Mb" (want Tbit, Gbit, Mbit, kbit, bit)`},
		{new(vsn.Size), "96MiB", 96 << 20, "96MiB"},
		{new(vsn.Size), "1500B", 1500, "1500B"},
		{new(vsn.Size), "1kB", 1000, "1000B"},
		{new(vsn.Size), "1GB", 1e9, "1000000000B"},
		{new(vsn.Share), "0.9", 9e8, "0.9"},
		{new(vsn.Share), "1", 1e9, "1"},
		{new(vsn.Share), "1e-9", 1, "0.000000001"},
		{new(vsn.Share), "0.95%", -1, `"0.95%" is not a fraction such as 0.9`},
		{new(vsn.Share), strings.Repeat("1", 41), -1, `"` + strings.Repeat("1", 41) + `" is not a fraction such as 0.9`},
		{new(vsn.Share), strings.Repeat("x", 99), -1, `"` + strings.Repeat("x", 60) + `..." is not a fraction such as 0.9`},
	} {
		err := c.into.UnmarshalText([]byte(c.text))
		got := reflect.ValueOf(c.into).Elem().Int()
		if c.want < 0 {
			if err == nil || err.Error() != c.form {
				t.Errorf("%q: got %d, %v; want the error %s", c.text, got, err, c.form)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%q: got %d, %v; want %d", c.text, got, err, c.want)
		}
		if s := written(c.into); s != c.form {
			t.Errorf("%q is written %q, want %q", c.text, s, c.form)
		}
	}
}

// written is what a document would say.
func written(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return strings.Trim(string(data), `"`)
}

// What is written is read back, for every value.
func TestUnitsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64Range(0, 1<<61-1).Draw(t, "value")
		if rapid.Bool().Draw(t, "round") {
			v = v / 1e12 * rapid.SampledFrom([]int64{1, 1000, 1024, 1e6, 1 << 20, 1e9, 1 << 30}).Draw(t, "unit")
		}
		d, r, s, h := vsn.Duration(v), vsn.Rate(v), vsn.Size(v), vsn.Share(v)
		for _, pair := range [][2]any{{&d, new(vsn.Duration)}, {&r, new(vsn.Rate)}, {&s, new(vsn.Size)}, {&h, new(vsn.Share)}} {
			data, err := json.Marshal(pair[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, pair[1]); err != nil || !reflect.DeepEqual(pair[0], pair[1]) {
				t.Fatalf("%s: got %v, %v", data, pair[1], err)
			}
		}
	})
}

// FuzzUnits: what is read is what rational arithmetic says, and the pattern of the
// schema accepts all that is read.
func FuzzUnits(f *testing.F) {
	for _, seed := range []string{"20ms", "1.5us", "1e3s", "0.1ns", "20Mbit", "96MiB", "1TiB", "0.9", "1e-9", "9e99",
		"٣ms", "1\u00a0ms", "", ".", "e", "1e", "1e+", "1.e1s", "µs", "1μs"} {
		f.Add(seed)
	}
	patterns := map[string]*regexp.Regexp{}
	for t, s := range vsn.Vocabulary.Types {
		if s.Pattern != "" {
			patterns[t.Name()] = regexp.MustCompile(s.Pattern)
		}
	}
	split := regexp.MustCompile(`^([0-9.]+(?:[eE][+-]?[0-9]+)?) ?(.*)$`)
	scales := map[string]int64{"ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "min": 60e9, "h": 3600e9,
		"bit": 1, "kbit": 1e3, "Mbit": 1e6, "Gbit": 1e9, "Tbit": 1e12, "": 1e9, // of a share
		"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
	f.Fuzz(func(t *testing.T, text string) {
		for _, v := range []encoding.TextUnmarshaler{new(vsn.Duration), new(vsn.Rate), new(vsn.Size), new(vsn.Share)} {
			kind := reflect.TypeOf(v).Elem().Name()
			if err := v.UnmarshalText([]byte(text)); err != nil {
				if err.Error() == "" || strings.ContainsAny(err.Error(), "\n\r\x00") {
					t.Errorf("%s: the error %q", kind, err)
				}
				continue
			}
			if p := patterns[kind]; p != nil && !p.MatchString(text) {
				t.Errorf("%s: %q is read, and the schema refuses it", kind, text)
			}
			parts := split.FindStringSubmatch(text)
			if parts == nil || scales[parts[2]] == 0 {
				t.Fatalf("%s: %q was read", kind, text)
			}
			want, ok := new(big.Rat).SetString(parts[1])
			want.Mul(want, new(big.Rat).SetInt64(scales[parts[2]]))
			if got := reflect.ValueOf(v).Elem().Int(); !ok || want.Cmp(new(big.Rat).SetInt64(got)) != 0 {
				t.Errorf("%s: %q is read as %d, and means %v", kind, text, got, want)
			}
		}
	})
}
