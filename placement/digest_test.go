package placement

import "testing"

// TestInterruptedIsSealed: nobody takes the mark of an interrupted plan away, or makes
// one, unseen.
func TestInterruptedIsSealed(t *testing.T) {
	for _, was := range []bool{false, true} {
		p := Plan{Interrupted: was}
		if err := p.Seal(); err != nil {
			t.Fatal(err)
		}
		if err := p.Sealed(); err != nil {
			t.Errorf("%t: %v", was, err)
		}
		p.Interrupted = !was
		if p.Sealed() == nil {
			t.Errorf("%t: the mark was changed, and nobody sees it", was)
		}
	}
}
