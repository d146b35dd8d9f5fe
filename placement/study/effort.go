package study

// Effort is what decisions may take, in nodes of the search. It is asked before each
// decision and told after it.
type Effort interface {
	// Allow is the nodes that the mean decision may take, and those that the next may.
	Allow() (mean, most int64)
	// Spend tells what the decision took.
	Spend(nodes int64)
}

// Bank is an Effort of so many nodes for the mean decision: what easy requests leave
// is there for hard ones.
type Bank struct {
	mean, balance int64
}

// NewBank is a bank of mean nodes a decision.
func NewBank(mean int64) *Bank { return &Bank{mean: mean} }

// Allow gives what has been saved up and this decision's own.
func (b *Bank) Allow() (mean, most int64) {
	b.balance += b.mean
	return b.mean, b.balance
}

// Spend takes it out of the bank.
func (b *Bank) Spend(nodes int64) { b.balance -= nodes }
