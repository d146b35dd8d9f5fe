package explain

import (
	"math/big"

	"github.com/vsnctl/vsnctl/placement"
)

// knob is one kind of change, by one number: more of it is easier.
type knob struct {
	sort  string // of those of one sort one is shown, while there are others
	field string // that it changes
	least int64  // the first number that is tried
	step  int64  // from one to the next
	most  int64  // that is tried
	// exact says that what is between two steps makes no difference.
	exact   bool
	changes func(int64) []placement.Change
	shows   func(int64) string // the number as a document has it; nil: there is none
	less    func(int64) string // what a step less is; nil: there is nothing less
	says    func(int64) string // all changes, where they are many; nil otherwise
	cost    func(int64) int64  // in thousandths
	limit   int                // that it raises, or -1
	last    bool               // of no interest where there is another remedy
	all     bool               // to be tried on all networks at once
}

// at is the number after so many steps.
func (k knob) at(steps int64) int64 { return k.least + steps*k.step }

// least is the least number, in steps from the first, with which try says yes, and what
// is known of a step less: Yes where that was not looked into. It gallops up, as far as
// answers say that is needed, and divides in halves. What is less than the first number
// is taken to be refused for good: the problem as it was, or one that needs more.
func least(k knob, try trial) (x int64, ok bool, before Verdict) {
	if k.least > k.most {
		return 0, false, Unknown
	}
	last, told := (k.most-k.least)/k.step, false
	if v, _ := try(k.at(last), false); v != Yes {
		return 0, false, Unknown
	}
	low, high := int64(-1), int64(0) // steps: fails, and does
	for stride := max(1, k.least/k.step/16); high < last; stride *= 2 {
		v, need := try(k.at(high), false)
		if v == Yes {
			break
		}
		if low, high, told = high, high+stride, need > k.at(high); told {
			high = quotient(need-k.least, k.step)
		}
	}
	if told && high < last && high-low > 1 { // often it is what was told
		if v, _ := try(k.at(high-1), false); v != Yes {
			low = high - 1
		}
	}
	for high = min(high, last); high-low > 1; {
		middle := low + (high-low)/2
		if v, _ := try(k.at(middle), false); v == Yes {
			high = middle
		} else {
			low = middle
		}
	}
	// The quick look may have missed a plan, though what it found is one.
	for range mostMissed {
		if high == 0 {
			return k.at(0), true, No
		}
		if before, _ = try(k.at(high-1), true); before != Yes {
			return k.at(high), true, before
		}
		high--
	}
	return k.at(high), true, Yes
}

// mostMissed is how many steps down are looked for what a quick look has missed.
const mostMissed = 8

// quotient is a/b, rounded up.
func quotient(a, b int64) int64 { return (a + b - 1) / b }

// part is 1000 |a-b| / max(a, b): how much of the larger a change is.
func part(a, b int64) int64 {
	most, diff := max(a, b), max(a, b)-min(a, b)
	if most <= 0 {
		return 0
	}
	out := new(big.Int).Mul(big.NewInt(diff), big.NewInt(1000))
	return out.Quo(out, big.NewInt(most)).Int64()
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
