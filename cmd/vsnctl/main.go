// Command vsnctl plans Virtual Service Networks, chains of virtual machines that
// must answer in time, proves that they do, and deploys them: EDF reservations on
// the threads of each VM, a class of its own for each link.
//
// This package is the wiring and the words: each command has a file of its own, and
// no planning, timing or kernel call is in here.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/hosts/linux"
)

// version is set when it is built: -ldflags "-X main.version=...".
var version = "unversioned"

// garbage is how much of what is in use may be unused beside it before it is looked for,
// in percent, where the environment does not say (GOGC): plans of ten thousand hosts are
// to be made within 2 GiB (make bench-scale).
const garbage = 60

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	linux.Measuring()
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		abandon(<-signals)
	}()
	os.Exit(run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// abandon ends the program at once, as a shell says that a signal did, and takes away
// what is half written.
func abandon(s os.Signal) {
	unfinished.remove()
	code := 1
	if number, ok := s.(syscall.Signal); ok {
		code = signalled + int(number)
	}
	os.Exit(code)
}

// run is main without the process: arguments in, exit code out.
func run(ctx context.Context, args []string, stdin *os.File, stdout, stderr *os.File) int {
	app := newApp(&terminal{in: stdin, out: stdout, err: stderr})
	err := app.RunContext(ctx, flagsFirst(app, args))
	if err != nil {
		fmt.Fprintln(stderr, "vsnctl:", words(err))
	}
	return exitCode(err)
}

// terminal is where a command reads and writes: results on out, words and progress
// on err.
type terminal struct {
	in, out, err *os.File
}

func newApp(t *terminal) *cli.App {
	return &cli.App{
		Name:      "vsnctl",
		Usage:     "plan and run networks of virtual machines that answer in time",
		Version:   version,
		Writer:    t.out,
		ErrWriter: t.err,
		Description: `A Virtual Service Network (VSN) is a chain of VMs with CPU reservations, links with
reserved rates, and flows with end-to-end deadlines. vsnctl finds a placement, proves
that every deadline holds, and only then starts anything.

  vsnctl plan examples/robot.yaml              what would go where, and why it holds
  vsnctl plan -o robot.plan.json SPEC          the same, kept as a file
  vsnctl check robot.plan.json                 prove it again, without the planner
  vsnctl deploy robot.plan.json                make it so (root)
  vsnctl status robot                          what it really gets
  vsnctl destroy robot                         take it away

Exit codes: ` + exitCodes,
		HideVersion:            true,
		UseShortOptionHandling: true,
		EnableBashCompletion:   true,
		Suggest:                true,
		ExitErrHandler:         func(*cli.Context, error) {}, // exit codes are run's
		OnUsageError:           func(_ *cli.Context, err error, _ bool) error { return badInput(err) },
		CommandNotFound:        nil,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return badInput(fmt.Errorf("no command %q: vsnctl --help lists them", c.Args().First()))
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{
			planCommand(t), simulateCommand(t), checkCommand(t), deployCommand(t), statusCommand(t), destroyCommand(t),
			probeCommand(t), doctorCommand(t), boundCommand(t), schemaCommand(t), completionCommand(t), versionCommand(t),
		},
	}
}

// usageError makes wrong flags of a command bad input.
func usageError(_ *cli.Context, err error, _ bool) error { return badInput(err) }
