package proof

import (
	"sync"
	"sync/atomic"
)

// workers is how many goroutines share what is derived for each host, network or line by
// itself. What comes out does not depend on it.
const workers = 4

// fewest is for how many it is worth while.
const fewest = 64

// each calls f for 0 to n-1, in any order and at the same time.
func each(n int, f func(i int)) {
	if n < fewest {
		for i := range n {
			f(i)
		}
		return
	}
	const step = 16
	var turn atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for from := int(turn.Add(step)) - step; from < n; from = int(turn.Add(step)) - step {
				for i := from; i < min(from+step, n); i++ {
					f(i)
				}
			}
		})
	}
	wait.Wait()
}

// eachOrFail is each; the error is that of the least i that has one.
func eachOrFail(n int, f func(i int) error) error {
	var lock sync.Mutex
	var failed error
	at := n
	each(n, func(i int) {
		if err := f(i); err != nil {
			lock.Lock()
			defer lock.Unlock()
			if i < at {
				at, failed = i, err
			}
		}
	})
	return failed
}

// eachOfFew calls functions at the same time; the error is that of the first that has
// one.
func eachOfFew(all ...func() error) error {
	failed := make([]error, len(all))
	var wait sync.WaitGroup
	for i, f := range all {
		wait.Go(func() { failed[i] = f() })
	}
	wait.Wait()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}
