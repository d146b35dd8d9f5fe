package main

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usagef is a wrong command line.
func usagef(what string) error { return fmt.Errorf("%s: %w", what, errUsage) }

// named says which command failed.
func named(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// count refuses a wrong number of arguments.
func count(args []string, least, most int) error {
	if len(args) < least || len(args) > most {
		return usagef(fmt.Sprintf("%d arguments", len(args)))
	}
	return nil
}

func parseInt(what, text string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, usagef(fmt.Sprintf("%s %q is not a number in %d..%d", what, text, least, most))
	}
	return n, nil
}

func parsePort(text string) (int, error) { return parseInt("port", text, 1, 65535) }

// parseSize reads the payload of a datagram, in bytes; args may be empty.
func parseSize(args []string, least, otherwise int) (int, error) {
	if len(args) == 0 {
		return otherwise, nil
	}
	return parseInt("size", args[0], least, maxPayload)
}

// parsePeer reads an IPv4 address and a port. There is no resolver in a guest.
func parsePeer(host, port string) (*syscall.SockaddrInet4, error) {
	addr, err := netip.ParseAddr(host)
	if err != nil || !addr.Is4() {
		return nil, usagef(fmt.Sprintf("host %q is not an IPv4 address", host))
	}
	n, err := parsePort(port)
	if err != nil {
		return nil, err
	}
	return &syscall.SockaddrInet4{Port: n, Addr: addr.As4()}, nil
}

// parseSpan reads a time above zero, as in 20ms; a bare number is seconds.
func parseSpan(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		d, err = time.ParseDuration(text + "s")
	}
	if err != nil || d <= 0 {
		return 0, usagef(fmt.Sprintf("time %q is not like 20ms or 1.5 (seconds)", text))
	}
	return d, nil
}

// Largest first: "bit" is the end of all of them.
var rateUnits = []struct {
	name  string
	scale float64
}{{"Gbit", 1e9}, {"Mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}}

// parseRate reads a rate in bit/s, as in 30Mbit.
func parseRate(text string) (float64, error) {
	for _, u := range rateUnits {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(number, 64)
		if err != nil || !(v*u.scale >= 1) || math.IsInf(v, 0) {
			break
		}
		return v * u.scale, nil
	}
	return 0, usagef(fmt.Sprintf("rate %q is not like 30Mbit (bit, kbit, Mbit, Gbit)", text))
}
