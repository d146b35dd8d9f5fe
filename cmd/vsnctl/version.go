package main

import (
	"fmt"
	"runtime"

	"github.com/urfave/cli/v2"
)

func versionCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version of vsnctl", HideHelpCommand: true, OnUsageError: usageError,
		Flags: []cli.Flag{formatFlag("table")},
		Action: func(c *cli.Context) error {
			if c.String("format") != "table" {
				return t.print(c.String("format"), map[string]string{"version": version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
			}
			_, err := fmt.Fprintf(t.out, "vsnctl %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
