package main

import (
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

func progressFlag() cli.Flag {
	return &cli.StringFlag{Name: "progress", Value: "auto", EnvVars: env("progress"),
		Usage: "say on standard error how far the search is: `WHEN` auto (if that is a terminal), always or never"}
}

// checkProgress refuses other words than those of --progress.
func checkProgress(when string) error {
	switch when {
	case "auto", "always", "never":
		return nil
	}
	return badInput(fmt.Errorf("--progress %q: want auto, always or never", when))
}

// How often a line is drawn, and how long nothing is said of work that is short.
const (
	redrawEvery = 100 * time.Millisecond
	sayEvery    = time.Second
)

// liveLine says again and again how far some work is: on a terminal in one line that is
// redrawn, elsewhere, if that is wanted, in a line a second.
type liveLine struct {
	out   *os.File
	moves bool
	text  func() string
	stop  chan struct{}
	ended chan struct{}
}

// live starts to say what text returns, as --progress wants it; text is called from
// another goroutine. Call what it returns before anything else is written.
func (t *terminal) live(when string, text func() string) (end func()) {
	moves := isTerminal(t.err) && os.Getenv("TERM") != "dumb"
	if when != "always" && (when != "auto" || !moves) {
		return func() {}
	}
	l := &liveLine{out: t.err, moves: moves, text: text, stop: make(chan struct{}), ended: make(chan struct{})}
	go l.run()
	return func() {
		close(l.stop)
		<-l.ended
	}
}

func (l *liveLine) run() {
	defer close(l.ended)
	every := sayEvery
	if l.moves {
		every = redrawEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	drawn := false
	for {
		select {
		case <-tick.C:
			drawn = true
			l.draw()
		case <-l.stop:
			if drawn && l.moves {
				fmt.Fprint(l.out, eraseLine)
			}
			return
		}
	}
}

// eraseLine goes to the start of the line and empties it (ECMA-48, EL).
const eraseLine = "\r\033[K"

func (l *liveLine) draw() {
	text := "vsnctl: " + l.text()
	if !l.moves {
		fmt.Fprintln(l.out, text)
		return
	}
	fmt.Fprint(l.out, eraseLine+shortened(text, columns(l.out)-1))
}

// shortened is at most n characters of a text.
func shortened(text string, n int) string {
	if n < 1 || utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n])
}

// isTerminal reports whether f is a terminal: whether it has attributes of one.
func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// columns is the width of a terminal; 0: it does not say.
func columns(f *os.File) int {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}

// words says something beside a line that may be drawn.
func (t *terminal) words(text string) {
	if isTerminal(t.err) {
		text = eraseLine + text
	}
	fmt.Fprintln(t.err, text)
}

// joined is what there is to say, in one line.
func joined(parts ...string) string {
	said := parts[:0:0]
	for _, p := range parts {
		if p != "" {
			said = append(said, p)
		}
	}
	return strings.Join(said, ", ")
}

// brief is a time for people, to a tenth of a second, and to seconds from a minute on.
func brief(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}
