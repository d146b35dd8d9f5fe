package hosts

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// ResourceText is counted resources as a Domain holds them, so that it stays
// comparable. Names hold neither blanks nor "=".
func ResourceText(counts map[string]int64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] != 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", name, counts[name]))
		}
	}
	return strings.Join(parts, " ")
}

// Counted reads Resources back. What is no count is left out: it was not written by
// ResourceText.
func (d Domain) Counted() map[string]int64 {
	counts := map[string]int64{}
	for _, part := range strings.Fields(d.Resources) {
		name, count, _ := strings.Cut(part, "=")
		if n, err := strconv.ParseInt(count, 10, 64); err == nil {
			counts[name] = n
		}
	}
	return counts
}
