package strict

import (
	"fmt"
	"strings"
)

// wantOneOf tells what could have been meant by a word that is not known.
func wantOneOf(word string, known []string) string {
	if near, ok := Nearest(word, known); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "want " + strings.Join(known, ", ")
}

// Nearest is the known word that is most likely meant: at most a third of its
// letters, and at most three, need to change.
func Nearest(word string, known []string) (near string, ok bool) {
	if len(word) > 100 {
		return "", false
	}
	best := 4
	for _, k := range known {
		d := distance(strings.ToLower(word), strings.ToLower(k))
		if d < best && d <= max(1, len(k)/3) {
			near, best = k, d
		}
	}
	return near, best < 4
}

// distance is the number of letters to insert, remove, replace or swap with their
// neighbour (optimal string alignment).
func distance(a, b string) int {
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(next[j-1]+1, row[j]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
