package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst moves the flags of a command before its arguments, so that both
// "plan -o F SPEC" and "plan SPEC -o F" are read; the library stops at the first
// argument. What comes after "--" stays where it is.
func flagsFirst(app *cli.App, args []string) []string {
	if len(args) < 3 {
		return args
	}
	command := app.Command(args[1])
	if command == nil {
		return args
	}
	from := 2
	for from < len(args) {
		at := slices.IndexFunc(command.Subcommands, func(s *cli.Command) bool { return s.HasName(args[from]) })
		if at < 0 {
			break
		}
		command = command.Subcommands[at]
		from++
	}
	flags, rest := args[:from:from], []string{}
	for i := from; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			rest = append(rest, args[i:]...)
			break
		}
		if len(a) < 2 || a[0] != '-' { // "-" alone is standard input
			rest = append(rest, a)
			continue
		}
		if optionalValue(command, a) {
			if i+1 < len(args) && strings.HasSuffix(args[i+1], traceSuffix) {
				i++
				a += "=" + args[i]
			}
			flags = append(flags, a)
			continue
		}
		flags = append(flags, a)
		if takesValue(command, a) && i+1 < len(args) {
			i++
			flags = append(flags, args[i])
		}
	}
	return append(flags, rest...)
}

// optionalValue reports whether this is a flag that may stand alone, and does.
func optionalValue(command *cli.Command, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	return slices.ContainsFunc(command.Flags, func(f cli.Flag) bool {
		g, ok := f.(*cli.GenericFlag)
		return ok && slices.Contains(g.Names(), name)
	})
}

// takesValue reports whether the next argument belongs to this flag.
func takesValue(command *cli.Command, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	if strings.Contains(name, "=") {
		return false
	}
	for _, f := range command.Flags {
		if slices.Contains(f.Names(), name) {
			d, ok := f.(cli.DocGenerationFlag)
			return ok && d.TakesValue()
		}
	}
	return false
}

// env names the environment variable of a flag.
func env(flag string) []string {
	return []string{"VSNCTL_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))}
}

// inventories are the files of --inventory; an empty environment variable names none.
func inventories(c *cli.Context) []string {
	return slices.DeleteFunc(c.StringSlice("inventory"), func(name string) bool { return name == "" })
}

func inventoryFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "inventory", Aliases: []string{"i"}, EnvVars: env("inventory"),
		Usage: "read hosts, switches and cables from `FILE` (may be repeated; none: this machine, as probe sees it)"}
}

func formatFlag(value string, names ...string) cli.Flag {
	return &cli.StringFlag{Name: "format", Aliases: names, Value: value, EnvVars: env("format"), Usage: "print `table`, json or yaml"}
}

func connectFlag() cli.Flag {
	return &cli.StringFlag{Name: "connect", Aliases: []string{"c"}, Value: "qemu:///system", EnvVars: env("connect"), Usage: "libvirt `URI` of this machine"}
}
