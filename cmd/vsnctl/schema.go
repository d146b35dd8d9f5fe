package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/hosts"
	"github.com/vsnctl/vsnctl/vsn"
)

func schemaCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "schema", Usage: "print the JSON Schema of a kind of document", ArgsUsage: "[network|inventory|vsnctl]", HideHelpCommand: true, OnUsageError: usageError,
		Description: `For editors that check while you type. In VS Code with the YAML extension, put this on
the first line of a file:

  # yaml-language-server: $schema=docs/schema/network.json`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "dir", EnvVars: env("dir"), Usage: "write all of them, and reference.md, into `DIR`"}},
		Action: func(c *cli.Context) error {
			schemas := map[string]string{"network": vsn.KindNetwork, "inventory": hosts.KindInventory, "vsnctl": ""}
			if dir := c.String("dir"); dir != "" {
				var failed []error
				for name, kind := range schemas {
					data, err := hosts.Schema(kind)
					if err == nil {
						err = os.WriteFile(filepath.Join(dir, name+".json"), data, 0o644)
					}
					failed = append(failed, err)
				}
				failed = append(failed, os.WriteFile(filepath.Join(dir, "reference.md"), []byte(hosts.Reference()), 0o644))
				return errors.Join(failed...)
			}
			name := strings.ToLower(c.Args().First())
			if name == "" {
				name = "network"
			}
			kind, known := schemas[name]
			if !known {
				return badInput(fmt.Errorf("schema of %q: want network, inventory or vsnctl (both, by what a document says it is)", name))
			}
			data, err := hosts.Schema(kind)
			if err != nil {
				return err
			}
			_, err = t.out.Write(data)
			return err
		},
	}
}
