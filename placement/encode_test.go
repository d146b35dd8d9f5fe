package placement

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// fill sets every field of a value, so that none is left out unseen.
func fill(t *rapid.T, v reflect.Value, path string) {
	if v.Type() == reflect.TypeFor[Rat]() {
		v.Set(reflect.ValueOf(rapid.SampledFrom([]Rat{Int(7), Frac(3, 14), Inf(), Int(0)}).Draw(t, path)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.SampledFrom([]string{"a", "camera>detect", "\"quoted\" \\", "µ\u2028", "", "host h1 cpu 3"}).Draw(t, path))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, path))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.SampledFrom([]int64{0, 1, -1, 96 << 20, 1 << 40}).Draw(t, path))
	case reflect.Pointer:
		if rapid.Bool().Draw(t, path) {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), path)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 2).Draw(t, path), 4))
		for i := range v.Len() {
			fill(t, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, k := range []string{"b", "a"}[:rapid.IntRange(0, 2).Draw(t, path)] {
			e := reflect.New(v.Type().Elem()).Elem()
			fill(t, e, path+"."+k)
			v.SetMapIndex(reflect.ValueOf(k), e)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	default:
		t.Fatalf("%s: %v", path, v.Kind())
	}
}

// TestLayoutIsJSON: but for white space the file is what encoding/json writes.
func TestLayoutIsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p Plan
		fill(t, reflect.ValueOf(&p).Elem(), "plan")
		var want, got, file bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(&p); err != nil {
			t.Fatal(err)
		}
		if err := Write(&file, &p); err != nil {
			t.Fatal(err)
		}
		if err := json.Compact(&got, file.Bytes()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.TrimSpace(want.String()), strings.TrimSpace(got.String())); diff != "" {
			t.Fatal(diff)
		}
		if file.Bytes()[file.Len()-1] != '\n' {
			t.Fatal("no newline at the end")
		}
	})
}

// TestLayout shows the layout.
func TestLayout(t *testing.T) {
	p := Plan{Version: PlanVersion, Digests: []Digest{{"a", "b"}}}
	p.Embedding.Routes = []Route{{"n", "l", []string{"h"}, nil}}
	p.Proof.Claims = []Claim{{Subject: "s", Terms: []Term{{"x", Int(1)}, {"y", Frac(1, 2)}}, Bound: Frac(3, 2), Limit: Inf()}, {}}
	var file bytes.Buffer
	if err := Write(&file, &p); err != nil {
		t.Fatal(err)
	}
	for _, lines := range []string{"{\n  \"version\": 2,\n  \"digests\": [\n    {\"of\": \"a\", \"sha256\": \"b\"}\n  ],\n  \"seed\": 0,\n  \"problem\": {\n    \"networks\": null,\n",
		"\"routes\": [\n      {\"network\": \"n\", \"link\": \"l\", \"path\": [\"h\"]}\n    ]\n  },\n",
		"{\"subject\": \"s\", \"rule\": \"\", \"unit\": \"\", \"terms\": [\n        {\"name\": \"x\", \"value\": 1},\n        {\"name\": \"y\", \"value\": \"1/2\"}\n      ], \"bound\": \"3/2\", \"limit\": \"inf\"},\n      {"} {
		if !strings.Contains(file.String(), lines) {
			t.Errorf("no\n%s\nin\n%s", lines, file.String())
		}
	}
}

// TestLayoutIsTheSameOnOneCore: lists of several rounds come out in their order, however
// many goroutines run.
func TestLayoutIsTheSameOnOneCore(t *testing.T) {
	p := Plan{Version: PlanVersion}
	for i := range 2*writers*linesAtOnce + 17 {
		p.Embedding.Seats = append(p.Embedding.Seats, Seat{"n", fmt.Sprint(i), "h"})
	}
	var many, one bytes.Buffer
	err := Write(&many, &p)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if err != nil || Write(&one, &p) != nil || !bytes.Equal(many.Bytes(), one.Bytes()) {
		t.Error("the bytes differ", err)
	}
	var again Plan
	if err := json.Unmarshal(one.Bytes(), &again); err != nil || !cmp.Equal(p.Embedding, again.Embedding) {
		t.Error("the order differs", err)
	}
}

// TestParseIsJSON: what is read quickly is what encoding/json reads, of a file with any
// white space, and of files with a byte changed, which one refuses iff the other does.
func TestParseIsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Plan{Version: PlanVersion}
		fill(t, reflect.ValueOf(&p).Elem(), "plan")
		for range rapid.SampledFrom([]int{0, 0, 0, linesAtOnce + 3}).Draw(t, "seats") {
			p.Embedding.Seats = append(p.Embedding.Seats, Seat{"n", "v", "h"})
		}
		p.Version = PlanVersion
		var file bytes.Buffer
		if err := Write(&file, &p); err != nil {
			t.Fatal(err)
		}
		data := bytes.Clone(file.Bytes())
		switch rapid.IntRange(0, 3).Draw(t, "form") {
		case 0:
			var other bytes.Buffer
			if err := json.Indent(&other, data, "\r", "\t"); err != nil {
				t.Fatal(err)
			}
			data = other.Bytes()
		case 1:
			at := rapid.IntRange(0, len(data)-1).Draw(t, "at")
			data[at] = rapid.SampledFrom([]byte("{}[]\",:0 1-e.\\na\x00\xff")).Draw(t, "byte")
		case 2:
			from := rapid.IntRange(0, len(data)-1).Draw(t, "cut from")
			data = append(data[:from:from], data[min(len(data), from+rapid.IntRange(1, 30).Draw(t, "cut")):]...)
		}
		var got, want Plan
		quickly := readQuickly(data, reflect.ValueOf(&got).Elem())
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		err := dec.Decode(&want)
		if err == nil && len(bytes.TrimSpace(data[dec.InputOffset():])) > 0 {
			err = fmt.Errorf("more follows")
		}
		if quickly && err != nil {
			t.Fatalf("read quickly, though %v", err)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b Rat) bool { return a.Cmp(b) == 0 })); quickly && diff != "" {
			t.Fatal(diff)
		}
		if bytes.Equal(data, file.Bytes()) && !quickly && err == nil {
			t.Fatal("what Write writes is not read quickly")
		}
		if quickly {
			if err := Faithful(data, &got); err != nil && bytes.Equal(data, file.Bytes()) {
				t.Fatal(err)
			}
		}
	})
}

// TestDigestOfLists: what is added to a digest piece by piece is what encoding/json
// writes in one, so that plans sealed before are sealed still.
func TestDigestOfLists(t *testing.T) {
	p := &Plan{}
	for i := range linesAtOnce + 1 {
		p.Embedding.Seats = append(p.Embedding.Seats, Seat{"n", fmt.Sprint(i), "<h>"})
		p.Embedding.Routes = append(p.Embedding.Routes, Route{"n", fmt.Sprint(i), []string{"a", "b"}, nil})
		p.Realization.Reservations = append(p.Realization.Reservations, Reservation{VCPU: i})
		p.Realization.Emulators = append(p.Realization.Emulators, Emulator{CPU: i})
		p.Realization.Queues = append(p.Realization.Queues, Queue{Class: i})
		p.Realization.Tasks = append(p.Realization.Tasks, TaskSeat{VCPU: i})
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	for i, whole := range []any{p.Seed, Embedding{Seats: p.Embedding.Seats}, Embedding{Routes: p.Embedding.Routes}, Realization{Reservations: p.Realization.Reservations},
		Realization{Emulators: p.Realization.Emulators}, Realization{Queues: p.Realization.Queues}, Realization{Tasks: p.Realization.Tasks}} {
		data, err := json.Marshal(whole)
		if want := fmt.Sprintf("%x", sha256.Sum256(data)); err != nil || p.Digests[i].SHA256 != want {
			t.Errorf("%s: %s, want %s (%v)", p.Digests[i].Of, p.Digests[i].SHA256, want, err)
		}
	}
}
