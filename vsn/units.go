package vsn

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
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

// UnmarshalText reads a decimal fraction such as "0.9".
func (s *Share) UnmarshalText(text []byte) error {
	r, err := parseDecimal(string(text))
	if err != nil {
		return err
	}
	v, err := scaled(r, int64(One))
	if err != nil {
		return fmt.Errorf("%q: %w (nine decimal places are kept)", text, err)
	}
	*s = Share(v)
	return nil
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
	cut := len(text)
	for cut > 0 && !isDigit(text[cut-1]) && text[cut-1] != '.' {
		cut--
	}
	number, name := text[:cut], strings.TrimSpace(text[cut:])
	if number == "" {
		return 0, fmt.Errorf("%q is not a quantity: write it like %q", text, example)
	}
	var names []string
	for _, set := range sets {
		for _, u := range set {
			if u.name != name {
				names = append(names, u.name)
				continue
			}
			r, err := parseDecimal(number)
			if err != nil {
				return 0, fmt.Errorf("%q is not a quantity: write it like %q", text, example)
			}
			v, err := scaled(r, u.scale)
			if err != nil {
				return 0, fmt.Errorf("%q: %w", text, err)
			}
			return v, nil
		}
	}
	if name == "" {
		return 0, fmt.Errorf("%q has no unit: write it like %q (%s)", text, example, strings.Join(names, ", "))
	}
	return 0, fmt.Errorf("%q: unknown unit %q (want %s)", text, name, strings.Join(names, ", "))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// parseDecimal takes digits with an optional point and exponent; no sign, since
// nothing here is negative. Long input is refused before big.Rat sees it.
func parseDecimal(text string) (*big.Rat, error) {
	if len(text) == 0 || len(text) > 40 {
		return nil, fmt.Errorf("%q is not a decimal number", text)
	}
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(text), "e")
	for i := range len(mantissa) {
		if !isDigit(mantissa[i]) && mantissa[i] != '.' {
			return nil, fmt.Errorf("%q is not a decimal number", text)
		}
	}
	if hasExponent {
		if e, err := strconv.Atoi(exponent); err != nil || e < -30 || e > 30 {
			return nil, fmt.Errorf("%q is not a decimal number", text)
		}
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, fmt.Errorf("%q is not a decimal number", text)
	}
	return r, nil
}

var (
	errTooFine  = errors.New("finer than the unit that is kept")
	errTooLarge = errors.New("too large")
)

func scaled(r *big.Rat, scale int64) (int64, error) {
	v := new(big.Rat).Mul(r, new(big.Rat).SetInt64(scale))
	if !v.IsInt() {
		return 0, errTooFine
	}
	// A quarter of the range, so that sums of a few values cannot wrap.
	if !v.Num().IsInt64() || v.Num().Int64() > math.MaxInt64/4 {
		return 0, errTooLarge
	}
	return v.Num().Int64(), nil
}

func formatUnit(v int64, units []unit) string {
	for _, u := range units {
		if v%u.scale == 0 && (v != 0 || u.scale == 1) {
			return strconv.FormatInt(v/u.scale, 10) + u.name
		}
	}
	panic("unreachable: the smallest unit divides every value")
}
