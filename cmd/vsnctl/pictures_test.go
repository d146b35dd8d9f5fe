package main

import (
	"flag"
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vsnctl/vsnctl/placement"
	"github.com/vsnctl/vsnctl/placement/solve"
	"github.com/vsnctl/vsnctl/placement/trace"
)

var draw = flag.Bool("draw", false, "draw the pictures of docs/planner.md anew")

// TestPictures: what docs/planner.md shows of searches is what they do. The pictures are
// drawn from traces: go test ./cmd/vsnctl -run TestPictures -draw
func TestPictures(t *testing.T) {
	for name, picture := range map[string]string{
		"search-tree.svg": treePicture(t, stepsOf(t, "jump")),
		"gap.svg":         gapPicture(t, stepsOf(t, "gap")),
	} {
		file := filepath.Join("..", "..", "docs", "pictures", name)
		if *draw {
			if err := os.WriteFile(file, []byte(picture), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if was, err := os.ReadFile(file); err != nil || string(was) != picture {
			t.Errorf("%v: %s is not what the search does now: look whether docs/planner.md is still true, then go test ./cmd/vsnctl -run TestPictures -draw", err, name)
		}
	}
}

// stepsOf is the trace of testdata/pictures/NAME.yaml on NAME-hosts.yaml.
func stepsOf(t *testing.T, name string) (steps []trace.Event) {
	t.Helper()
	dir := filepath.Join("testdata", "pictures")
	term := &terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	networks, inventory, err := term.documents(named([]string{filepath.Join(dir, name+".yaml"), filepath.Join(dir, name+"-hosts.yaml")}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = solve.Solve(t.Context(), placement.Problem{Networks: networks, Inventory: *inventory}, solve.Options{Seed: 1, Trace: func(e *trace.Event) { steps = append(steps, *e) }})
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// svg is a picture that is being drawn.
type svg struct {
	strings.Builder
	width, height float64
}

// Colours that are told apart in black and white, too.
const (
	ink, pale, paper  = "#1f2933", "#7b8794", "#ffffff"
	good, bad, accent = "#dcefdc", "#f6d5d5", "#1d5fa8"
)

func (s *svg) add(format string, args ...any) { fmt.Fprintf(&s.Builder, format+"\n", args...) }

func (s *svg) text(x, y float64, anchor, colour, text string) {
	s.add(`<text x="%.0f" y="%.0f" text-anchor="%s" fill="%s">%s</text>`, x, y, anchor, colour, html.EscapeString(text))
}

func (s *svg) box(x, y, w, h float64, fill string) {
	s.add(`<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="5" fill="%s" stroke="%s"/>`, x, y, w, h, fill, ink)
}

func (s *svg) line(x1, y1, x2, y2 float64, style string) {
	s.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" %s/>`, x1, y1, x2, y2, style)
}

// done is the picture as a file: on white, so that a dark page shows it, too.
func (s *svg) done(title string) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" font-family="Helvetica, Arial, sans-serif" font-size="13">
<title>%s</title>
<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 L10 5 L0 10 z" fill="context-stroke"/></marker></defs>
<rect width="100%%" height="100%%" fill="%s"/>
%s</svg>
`, s.width, s.height, s.width, s.height, html.EscapeString(title), paper, s.String())
}

// treePicture draws the first pass of phase one: a column for each depth, a row for each
// way to the end, and the ways back.
func treePicture(t *testing.T, steps []trace.Event) string {
	const (
		column, row, high, wide = 150.0, 110.0, 34.0, 122.0
		left, top               = 20.0, 16.0
	)
	s := &svg{}
	at := func(depth, line int) (x, y float64) {
		return left + column*float64(depth-1), top + row*float64(line)
	}
	line, deepest, last := 0, 0, 0
	boxed := func(depth int, fill string, words ...string) {
		x, y := at(depth, line)
		s.box(x, y, wide, high, fill)
		for i, w := range words {
			s.text(x+wide/2, y+high/2+4.5+8*float64(2*i-len(words)+1), "middle", ink, w)
		}
		if depth > 1 && last == depth-1 {
			s.line(x-column+wide, y+high/2, x-3, y+high/2, `stroke="`+ink+`" marker-end="url(#tip)"`)
		}
		last, deepest = depth, max(deepest, depth)
	}
	var next trace.Event
	jumped := 0
	for i, e := range steps {
		switch {
		case e.Kind == trace.VM:
			next = e
		case e.Kind == trace.Fail && len(next.Hosts) == 0:
			boxed(e.Depth+1, bad, short(e.VMs[0])+": no host", "blames "+strings.TrimPrefix(e.Blame[0], "vm n/"))
		case e.Kind == trace.Jump:
			jumped++
		case e.Kind == trace.Seat:
			if e.Depth <= last {
				backArrow(s, at, last, e.Depth, line, jumped)
				line, jumped, last = line+1, 0, e.Depth-1
			}
			boxed(e.Depth, paper, short(e.VMs[0])+" on "+e.Host)
		case e.Kind == trace.Route:
			boxed(e.Depth, paper, "link "+short(e.Link), strings.Join(e.Path, " > "))
		case e.Kind == trace.Accept:
			boxed(e.Depth+1, good, "proved", fmt.Sprintf("%d nodes", e.Nodes))
			s.width, s.height = 2*left+column*float64(deepest-1)+wide, top+row*float64(line)+high+30
			return s.done("A search tree with a backjump")
		case i > 200:
			t.Fatal("the example is too large to draw")
		}
	}
	t.Fatal("the example has no plan")
	return ""
}

func short(name string) string {
	_, after, _ := strings.Cut(name, "/")
	return after
}

// backArrow goes from what failed to the next value of the decision to blame.
func backArrow(s *svg, at func(depth, line int) (x, y float64), from, to, line, jumped int) {
	x1, y1 := at(from, line)
	x2, y2 := at(to, line+1)
	x1, y1, x2 = x1+61, y1+36, x2+61
	s.add(`<path d="M%.0f %.0f C%.0f %.0f %.0f %.0f %.0f %.0f" fill="none" stroke="%s" stroke-width="2" stroke-dasharray="6 4" marker-end="url(#tip)"/>`, x1, y1, x1, y1+52, x2, y2-62, x2, y2-4, accent)
	s.text((x1+x2)/2, y1+62, "middle", accent, fmt.Sprintf("backjump over %d decisions that are not to blame", jumped))
}

// span of the search for one criterion: what is drawn of it.
type course struct {
	first, end   float64
	costs        [][2]float64 // nodes, Mbit/s times hops
	bounds       [][2]float64
	aims         [][3]float64 // from, to, limit
	lowest, most float64
}

// gapPicture draws how cost and bound come together in the first search for least bandwidth.
func gapPicture(t *testing.T, steps []trace.Event) string {
	c := courseOf(t, steps)
	const left, top, wide, high = 70.0, 30.0, 620.0, 300.0
	s := &svg{width: left + wide + 150, height: top + high + 60}
	least, most := math.Floor(c.lowest/100)*100, math.Ceil(c.most/100)*100
	x := func(nodes float64) float64 { return left + wide*(nodes-c.first)/(c.end-c.first) }
	y := func(cost float64) float64 { return top + high*(most-cost)/(most-least) }
	for v := least; v <= most; v += 100 {
		s.line(left, y(v), left+wide, y(v), `stroke="#e4e7eb"`)
		s.text(left-8, y(v)+4, "end", pale, fmt.Sprintf("%.0f", v))
	}
	for v := 0.0; v <= c.end; v += 500 {
		s.line(x(v), top+high, x(v), top+high+5, `stroke="`+pale+`"`)
		s.text(x(v), top+high+20, "middle", pale, fmt.Sprintf("%.0f", v))
	}
	s.text(left+wide/2, top+high+42, "middle", ink, "decisions tried")
	s.text(left-50, top-12, "start", ink, "bandwidth, Mbit/s x hops")
	outline := stairs(c.costs, c.end, x, y)
	back := stairs(c.bounds, c.end, x, y)
	s.add(`<path d="%s L%.1f %.1f %s Z" fill="#eef3f9"/>`, outline, x(c.end), y(c.bounds[len(c.bounds)-1][1]), reversed(c.bounds, c.end, x, y))
	for _, a := range c.aims {
		s.line(x(a[0]), y(a[2]), x(a[1]), y(a[2]), `stroke="`+pale+`" stroke-width="2" stroke-dasharray="3 3"`)
	}
	s.add(`<path d="%s" fill="none" stroke="%s" stroke-width="2.5"/>`, outline, ink)
	s.add(`<path d="%s" fill="none" stroke="%s" stroke-width="2.5"/>`, back, accent)
	s.line(left, top, left, top+high, `stroke="`+ink+`"`)
	s.line(left, top+high, left+wide, top+high, `stroke="`+ink+`"`)
	key := func(i int, style, words string) {
		s.line(left+wide-170, top+22*float64(i)+10, left+wide-130, top+22*float64(i)+10, style)
		s.text(left+wide-122, top+22*float64(i)+14, "start", ink, words)
	}
	key(0, `stroke="`+ink+`" stroke-width="2.5"`, "the best placement so far")
	key(1, `stroke="`+pale+`" stroke-width="2" stroke-dasharray="3 3"`, "what is looked for: at most this")
	key(2, `stroke="`+accent+`" stroke-width="2.5"`, "what no placement is below")
	return s.done("How the gap closes")
}

func courseOf(t *testing.T, steps []trace.Event) (c course) {
	t.Helper()
	const million = 1e6
	aim := 0.0
	for _, e := range steps {
		n := float64(e.Nodes)
		switch {
		case e.By != "bandwidth" && e.Kind != trace.End:
			if e.Kind == trace.Stage && len(c.costs) > 0 {
				return c
			}
			continue
		case e.Kind == trace.Stage:
			c.first, c.lowest, c.most = n, float64(e.Bounds[0])/million, float64(e.Costs[0])/million
			fallthrough
		case e.Kind == trace.Better || e.Kind == trace.Bound:
			c.costs = append(c.costs, [2]float64{n, float64(e.Costs[0]) / million})
			c.bounds = append(c.bounds, [2]float64{n, float64(e.Bounds[0]) / million})
		case e.Kind == trace.Aim:
			aim = float64(*e.Limit) / million
			c.aims = append(c.aims, [3]float64{n, n, aim})
		case e.Kind == trace.End && len(c.aims) > 0:
			c.aims[len(c.aims)-1][1] = n
			c.end = n
		}
	}
	t.Fatal("the example has no search for least bandwidth")
	return c
}

// stairs is a path that changes where a value does.
func stairs(values [][2]float64, end float64, x, y func(float64) float64) string {
	var b strings.Builder
	for i, v := range values {
		if i == 0 {
			fmt.Fprintf(&b, "M%.1f %.1f", x(v[0]), y(v[1]))
		} else {
			fmt.Fprintf(&b, " H%.1f V%.1f", x(v[0]), y(v[1]))
		}
	}
	fmt.Fprintf(&b, " H%.1f", x(end))
	return b.String()
}

// reversed goes along stairs from the end to the beginning.
func reversed(values [][2]float64, end float64, x, y func(float64) float64) string {
	var b strings.Builder
	for i := len(values) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, " V%.1f H%.1f", y(values[i][1]), x(values[i][0]))
	}
	return b.String()
}
