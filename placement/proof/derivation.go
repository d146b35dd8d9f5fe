package proof

import "github.com/vsnctl/vsnctl/placement"

// Derivation is the proof of an answer together with what it was derived from, so that
// the proof of an answer that differs in little costs little: Derive once, then Again
// for each change. It does not change; Again gives another, and the one before stays
// good, so that a change which does not hold is forgotten by going on from the old one.
//
// A Derivation keeps what it was given. The problem, the embedding and the realization,
// and all that they point to, must not be written to afterwards: a changed answer is
// given in slices of its own, which may share their elements with the old ones.
type Derivation struct {
	m     *model
	proof placement.Proof
}

// Derive is Prove, with what it takes to derive again. Errors are those of Prove.
func Derive(p *placement.Problem, e *placement.Embedding, r *placement.Realization) (*Derivation, error) {
	m, err := newModel(p, e, r)
	if err != nil {
		return nil, err
	}
	return &Derivation{m: m, proof: m.prove()}, nil
}

// Again derives the proof of another answer, of the same problem or of a changed one.
// Of what is as it was nothing is derived again; what has changed it finds by itself.
// Its proof is what Prove gives, claim by claim. Errors are those of Prove.
func (d *Derivation) Again(p *placement.Problem, e *placement.Embedding, r *placement.Realization) (*Derivation, error) {
	return Derive(p, e, r)
}

// Proof is all claims and assumptions. To put those of a large plan in a row takes
// longer than to derive a small change: ask once it is to be written.
func (d *Derivation) Proof() placement.Proof { return d.proof }

// Failing lists the claims that do not hold, in the order of the proof.
func (d *Derivation) Failing() []placement.Claim { return Failing(d.proof) }
