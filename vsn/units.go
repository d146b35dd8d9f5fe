package vsn

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// Duration is a span of time in nanoseconds, the kernel's own grain for
// reservations. Written "20ms", "1.5us", "2s"; never a bare number.
type Duration int64

// Rate is a data rate in bits per second. Written "20Mbit", "1.5Gbit"
// (decimal multiples, as in tc and on the box of a switch).
type Rate int64

// Size is an amount of memory or data in bytes. Written "96MiB", "8KiB", "1500B".
type Size int64

// Share is a fraction in billionths: exact for every decimal with up to nine
// places, so that admission never rests on a float. Written as a plain number, 0.9.
type Share int64

// One is the whole, as a Share.
const One Share = 1_000_000_000

type unit struct {
	name  string
	scale int64
}

// Largest first: formatting takes the first unit that divides the value.
var (
	durationUnits = []unit{{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}}
	rateUnits     = []unit{{"Tbit", 1e12}, {"Gbit", 1e9}, {"Mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}}
	sizeUnits     = []unit{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}
	// Accepted when read, never written.
	durationAlso = []unit{{"µs", 1e3}, {"μs", 1e3}, {"min", 60e9}, {"h", 3600e9}}
	sizeAlso     = []unit{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}}
)

// UnmarshalText reads a duration such as "20ms". Units: ns, us (or µs), ms, s, min, h.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := parseUnit(string(text), "20ms", durationUnits, durationAlso)
	*d = Duration(v)
	return err
}

// UnmarshalText reads a rate such as "20Mbit". Units: bit, kbit, Mbit, Gbit, Tbit.
func (r *Rate) UnmarshalText(text []byte) error {
	v, err := parseUnit(string(text), "20Mbit", rateUnits, nil)
	*r = Rate(v)
	return err
}

// UnmarshalText reads a size such as "96MiB". Units: B, KiB, MiB, GiB, TiB and kB, MB, GB, TB.
func (s *Size) UnmarshalText(text []byte) error {
	v, err := parseUnit(string(text), "96MiB", sizeUnits, sizeAlso)
	*s = Size(v)
	return err
}

// UnmarshalText reads a decimal fraction such as "0.9", of at most nine places.
func (s *Share) UnmarshalText(text []byte) error {
	if !isDecimal(string(text)) {
		return fmt.Errorf("%s is not a fraction such as 0.9", shown(string(text)))
	}
	v, err := scaled(string(text), string(text), int64(One))
	*s = Share(v)
	return err
}

func (d Duration) String() string { return formatUnit(int64(d), durationUnits) }
func (r Rate) String() string     { return formatUnit(int64(r), rateUnits) }
func (s Size) String() string     { return formatUnit(int64(s), sizeUnits) }

// String is the shortest exact decimal.
func (s Share) String() string {
	text := s.Rat().FloatString(9)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// Rat is the fraction as an exact rational.
func (s Share) Rat() *big.Rat { return big.NewRat(int64(s), int64(One)) }

// MarshalText writes the value with the largest unit that keeps it whole.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// MarshalText writes the value with the largest unit that keeps it whole.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// MarshalText writes the value with the largest unit that keeps it whole.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON writes a plain JSON number.
func (s Share) MarshalJSON() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalJSON reads a plain JSON number.
func (s *Share) UnmarshalJSON(data []byte) error { return s.UnmarshalText(data) }

func parseUnit(text, example string, sets ...[]unit) (int64, error) {
	cut := strings.IndexFunc(text, func(r rune) bool { return unicode.IsLetter(r) && r != 'e' && r != 'E' })
	if cut < 0 {
		cut = len(text)
	}
	number, name := strings.TrimSuffix(text[:cut], " "), text[cut:]
	if !isDecimal(number) {
		return 0, fmt.Errorf("%s is not a quantity: write it like %q", shown(text), example)
	}
	var names []string
	for _, set := range sets {
		for _, u := range set {
			if u.name == name {
				return scaled(text, number, u.scale)
			}
			names = append(names, u.name)
		}
	}
	if name == "" {
		return 0, fmt.Errorf("%s has no unit: write it like %q (%s)", shown(text), example, strings.Join(names, ", "))
	}
	return 0, fmt.Errorf("%s: unknown unit %s (want %s)", shown(text), shown(name), strings.Join(names, ", "))
}

// shown quotes text for a message, at most so much of it that a line remains one.
func shown(text string) string {
	if len(text) > 60 {
		text = text[:60] + "..."
	}
	return strconv.Quote(text)
}

// decimalPattern is a number as JSON has it, but for the sign: nothing here is
// negative.
const decimalPattern = `[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?`

// isDecimal reports whether text matches decimalPattern and is short enough to be
// a number that somebody meant.
func isDecimal(text string) bool {
	digits := func() bool {
		n := 0
		for n < len(text) && text[n] >= '0' && text[n] <= '9' {
			n++
		}
		text = text[n:]
		return n > 0
	}
	if len(text) > maxNumber || !digits() {
		return false
	}
	if strings.HasPrefix(text, ".") {
		text = text[1:]
		if !digits() {
			return false
		}
	}
	if strings.HasPrefix(text, "e") || strings.HasPrefix(text, "E") {
		text = text[1:]
		if strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") {
			text = text[1:]
		}
		if len(text) > 2 || !digits() {
			return false
		}
	}
	return text == ""
}

const maxNumber = 40 // characters

// largest that is read: a quarter of the range, so that sums of a few values do not
// wrap.
const largest = math.MaxInt64 / 4

// scaled is number times scale, exactly or not at all.
func scaled(text, number string, scale int64) (int64, error) {
	if v, err := strconv.ParseInt(number, 10, 64); err == nil && v <= largest/scale {
		return v * scale, nil // the usual case, without big numbers
	}
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		panic("unreachable: big.Rat reads what isDecimal accepts")
	}
	r.Mul(r, new(big.Rat).SetInt64(scale))
	switch {
	case r.Cmp(new(big.Rat).SetInt64(largest)) > 0:
		return 0, fmt.Errorf("%s is too large", shown(text))
	case !r.IsInt():
		return 0, fmt.Errorf("%s is finer than can be kept", shown(text))
	}
	return r.Num().Int64(), nil
}

func formatUnit(v int64, units []unit) string {
	for _, u := range units {
		if v%u.scale == 0 && (v != 0 || u.scale == 1) {
			return strconv.FormatInt(v/u.scale, 10) + u.name
		}
	}
	panic("unreachable: the smallest unit divides every value")
}
