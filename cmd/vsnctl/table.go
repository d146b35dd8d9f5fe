package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/vsnctl/vsnctl/placement"
)

// newTable is a table as all commands print it: no frame, a title line in front.
func newTable(title string, columns ...any) table.Writer {
	w := table.NewWriter()
	style := table.StyleLight
	style.Options = table.Options{SeparateColumns: false, SeparateHeader: false}
	style.Format.Header = text.FormatUpper
	style.Box.PaddingLeft = ""
	style.Box.PaddingRight = "  "
	w.SetStyle(style)
	w.SuppressTrailingSpaces()
	w.SetTitle("")
	w.AppendHeader(columns)
	if title != "" {
		w.SetTitle(title)
	}
	return w
}

func render(out io.Writer, w table.Writer) {
	if w.Length() > 0 {
		fmt.Fprintln(out, w.Render())
		fmt.Fprintln(out)
	}
}

// interactive reports whether f is a terminal that wants colour and progress.
func interactive(f *os.File) bool {
	return isTerminal(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// milliseconds is a number of nanoseconds for people, rounded up, against ourselves.
func milliseconds(ns placement.Rat) string {
	if ns.IsInf() {
		return "no bound"
	}
	us := (int64(ns.Float()) + 999) / 1000
	return strconv.FormatFloat(float64(us)/1000, 'f', 3, 64) + "ms"
}

// floorMs is a number of nanoseconds for people, rounded down: what is left is never
// shown as more than it is.
func floorMs(ns float64) string {
	return strconv.FormatFloat(math.Floor(ns/1000)/1000, 'f', 3, 64) + "ms"
}

// spanNs is a duration of the plan for people, exact: 20ms, 1.5ms.
func spanNs(ns int64) string {
	return strconv.FormatFloat(float64(ns)/1e6, 'f', -1, 64) + "ms"
}

// percent is a share for people.
func percent(part, whole float64) string {
	if whole == 0 {
		return "-"
	}
	return strconv.FormatFloat(100*part/whole, 'f', 1, 64) + "%"
}
