package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/hosts"
)

func doctorCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "doctor", Usage: "tell whether this machine can do the job, and what to change", HideHelpCommand: true, OnUsageError: usageError,
		Description: `Looks, line by line, at what vsnctl needs of a kernel and of libvirt: scheduler classes,
cgroups, real-time limits, ticks, root domains, queueing disciplines, KVM, clock.
Changes nothing. Exits with 1 when something that is needed is missing.`,
		Flags: []cli.Flag{formatFlag("table", "o"), connectFlag()},
		Action: func(c *cli.Context) error {
			l := thisMachine(c.String("connect"))
			defer l.close()
			findings := append(l.linux.Doctor(c.Context), l.kvm.Doctor(c.Context)...)
			missing := 0
			w := newTable("", "", "what", "found", "what to do")
			for _, f := range findings {
				if f.Level == hosts.LevelFail {
					missing++
				}
				w.AppendRow([]any{f.Level, f.Name, f.Found, f.Advice})
			}
			if format := c.String("format"); format != "table" {
				if err := t.print(format, findings); err != nil {
					return err
				}
			} else {
				render(t.out, w)
			}
			if missing > 0 {
				return fmt.Errorf("%d of %d checks failed: this machine can plan, but not deploy until they are mended", missing, len(findings))
			}
			return nil
		},
	}
}
