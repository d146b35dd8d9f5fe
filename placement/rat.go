package placement

import (
	"encoding/json"
	"fmt"
	"math/big"
)

// Rat is an exact number of a proof. In JSON a whole number is a number, any other
// a string "39/14", and no bound at all is "inf".
type Rat struct {
	r   *big.Rat
	inf bool
}

// Int is a whole number.
func Int(v int64) Rat { return Rat{r: new(big.Rat).SetInt64(v)} }

// Frac is a/b. It panics on b = 0, as big.NewRat does.
func Frac(a, b int64) Rat { return Rat{r: big.NewRat(a, b)} }

// FromBig copies r.
func FromBig(r *big.Rat) Rat { return Rat{r: new(big.Rat).Set(r)} }

// Inf is greater than every number: there is no bound.
func Inf() Rat { return Rat{inf: true} }

// Big is a copy of the number; nil for Inf.
func (x Rat) Big() *big.Rat {
	if x.inf {
		return nil
	}
	return new(big.Rat).Set(x.big())
}

func (x Rat) big() *big.Rat {
	if x.r == nil {
		return new(big.Rat)
	}
	return x.r
}

// IsInf reports whether there is no bound.
func (x Rat) IsInf() bool { return x.inf }

// Add is x + y.
func (x Rat) Add(y Rat) Rat {
	if x.inf || y.inf {
		return Inf()
	}
	return Rat{r: new(big.Rat).Add(x.big(), y.big())}
}

// Cmp is -1, 0 or 1 as x is less than, equal to or greater than y.
func (x Rat) Cmp(y Rat) int {
	switch {
	case x.inf && y.inf:
		return 0
	case x.inf:
		return 1
	case y.inf:
		return -1
	}
	return x.big().Cmp(y.big())
}

// Float is for people and for searches, never for a proof.
func (x Rat) Float() float64 {
	f, _ := x.big().Float64()
	return f
}

func (x Rat) String() string {
	if x.inf {
		return "inf"
	}
	return x.big().RatString()
}

// MarshalJSON writes a number where it is whole, else a string.
func (x Rat) MarshalJSON() ([]byte, error) {
	if !x.inf && x.big().IsInt() {
		return []byte(x.String()), nil
	}
	return json.Marshal(x.String())
}

// UnmarshalJSON reads what MarshalJSON writes, and nothing else: a float or an
// unreduced fraction is refused, so that equal proofs are equal bytes.
func (x *Rat) UnmarshalJSON(data []byte) error {
	text := string(data)
	if len(data) > 0 && data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	if text == "inf" {
		*x = Inf()
		return nil
	}
	if len(text) > 400 {
		return fmt.Errorf("a number of %d characters is too long for a proof", len(text))
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok || r.RatString() != text {
		return fmt.Errorf("%q is not an exact number (want 7 or \"39/14\")", text)
	}
	*x = Rat{r: r}
	return nil
}
