package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestWrongCommandLines(t *testing.T) {
	for _, line := range []string{
		"", "frobnicate", "spin 0", "spin x", "spin 1 2", "echo", "echo 0", "echo 65536", "sink", "sink 7 8",
		"blast", "blast localhost 9 1Mbit 1", "blast ::1 9 1Mbit 1", "blast 127.0.0.1 9 fast 1", "blast 127.0.0.1 9 0Mbit 1",
		"blast 127.0.0.1 9 NaNbit 1", "blast 127.0.0.1 9 InfMbit 1", "blast 127.0.0.1 9 1Mbit -1", "blast 127.0.0.1 9 1Mbit 1 65508",
		"ping 127.0.0.1 7 0 1ms", "ping 127.0.0.1 7 1 0", "ping 127.0.0.1 7 1 1ms 7", "wait 127.0.0.1 7", "wait 127.0.0.1 7 soon", "online now",
	} {
		if err := run(strings.Fields(line), &bytes.Buffer{}); !errors.Is(err, errUsage) {
			t.Errorf("vsn-guest %s: error %v, want wrong usage", line, err)
		}
	}
}

func TestUsageNamesEveryCommand(t *testing.T) {
	var out bytes.Buffer
	if err := run([]string{"help"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		if !strings.Contains(out.String(), "vsn-guest "+c.name) {
			t.Errorf("the usage does not name %s", c.name)
		}
	}
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]float64{"30Mbit": 30e6, "1.5Gbit": 1.5e9, "64kbit": 64e3, "100bit": 100} {
		if got, err := parseRate(text); err != nil || got != want {
			t.Errorf("parseRate(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "30", "Mbit", "30Mb", "30 Mbit", "-1Mbit", "1e999Mbit"} {
		if got, err := parseRate(text); err == nil {
			t.Errorf("parseRate(%q) = %v, want an error", text, got)
		}
	}
}

func TestParseSpan(t *testing.T) {
	for text, want := range map[string]string{"3600": "1h0m0s", "0.5": "500ms", "20ms": "20ms", "1m": "1m0s"} {
		if got, err := parseSpan(text); err != nil || got.String() != want {
			t.Errorf("parseSpan(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}
