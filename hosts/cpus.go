package hosts

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// MaxCPUs bounds `cpus: N`, so that a typo does not become a gigabyte.
const MaxCPUs = 8192

// CPUs are the logical CPUs of a host, sorted by id. A document may give a number,
// N for ids 0..N-1 on node 0, or a list.
type CPUs []CPU

// CountedCPUs is what `cpus: n` means.
func CountedCPUs(n int) CPUs {
	c := make(CPUs, n)
	for i := range c {
		c[i].ID = i
	}
	return c
}

// MarshalJSON writes the number where it says all, else the list.
func (c CPUs) MarshalJSON() ([]byte, error) {
	for i, cpu := range c {
		if cpu != (CPU{ID: i}) {
			return json.Marshal([]CPU(c))
		}
	}
	return json.Marshal(len(c))
}

// UnmarshalJSON reads either form.
func (c *CPUs) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, (*[]CPU)(c))
	}
	return c.UnmarshalText(data)
}

// UnmarshalText reads the number.
func (c *CPUs) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > MaxCPUs || text[0] == '+' {
		return fmt.Errorf("%s is not a number of CPUs in 1..%d", text, MaxCPUs)
	}
	*c = CountedCPUs(n)
	return nil
}
