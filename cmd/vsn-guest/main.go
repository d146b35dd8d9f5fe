// Command vsn-guest is what runs inside a demo guest: it burns CPU, echoes, sends
// and counts UDP, and brings hot-plugged CPUs online. Tests also run it on a host,
// at the other end of a link.
//
// It is not part of vsnctl, and a guest of your own does not need it. It is one
// static binary with no packages but the smallest of the standard library, since
// it boots in 96 MiB under emulation: no package net, no flags, IPv4 literals only.
// Start at commands.
package main

import (
	"errors"
	"io"
	"os"
)

// A command is one thing to do; args are what follows its name.
type command struct {
	name, args, about string
	run               func(args []string, out io.Writer) error
}

var commands = []command{
	{"spin", "[THREADS]", "burn CPU on THREADS threads (one for each CPU) until killed", spin},
	{"echo", "PORT", "send every UDP datagram back to where it came from", echo},
	{"sink", "PORT", "count UDP datagrams and print bit/s for each second that had any", sink},
	{"blast", "HOST PORT RATE SECS [SIZE]", "send UDP datagrams of SIZE bytes at RATE, such as 30Mbit", blast},
	{"ping", "HOST PORT COUNT INTERVAL [SIZE]", "measure UDP round trips and print percentiles", ping},
	{"wait", "HOST PORT TIMEOUT", "wait until an echo answers", wait},
	{"online", "", "bring hot-plugged CPUs online, until there can be no more of them", online},
}

// errUsage is wrapped by what a wrong command line gives.
var errUsage = errors.New("wrong arguments")

func main() {
	err := run(os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, errUsage):
		io.WriteString(os.Stderr, "vsn-guest: "+err.Error()+"\n"+usage())
		os.Exit(2)
	case err != nil:
		io.WriteString(os.Stderr, "vsn-guest: "+err.Error()+"\n")
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) == 0 {
		return usagef("no command")
	}
	switch args[0] {
	case "help", "-h", "--help":
		_, err := io.WriteString(out, usage())
		return err
	}
	for _, c := range commands {
		if c.name == args[0] {
			return named(c.name, c.run(args[1:], out))
		}
	}
	return usagef("no command " + args[0])
}

func usage() string {
	text := "usage:\n"
	for _, c := range commands {
		text += "  vsn-guest " + c.name
		if c.args != "" {
			text += " " + c.args
		}
		text += "\n        " + c.about + "\n"
	}
	return text + "HOST is an IPv4 address. RATE counts Ethernet frames. SECS and INTERVAL are like 20ms, or a number of seconds.\n"
}
