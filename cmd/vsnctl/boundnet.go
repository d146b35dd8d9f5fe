package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/urfave/cli/v2"
	"github.com/vsnctl/vsnctl/placement/bounds"
	"gopkg.in/yaml.v3"
)

// plain is a number of a net file, kept exact.
type plain struct{ *big.Rat }

// UnmarshalYAML reads the number as it is written, without a float in between.
func (p *plain) UnmarshalYAML(n *yaml.Node) (err error) {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: want a number", n.Line)
	}
	if p.Rat, err = rational(fmt.Sprintf("line %d:", n.Line), n.Value); err != nil {
		return err
	}
	return nil
}

type netFile struct {
	Servers []struct {
		Name    string `yaml:"name"`
		Rate    plain  `yaml:"rate"`
		Latency plain  `yaml:"latency"`
	} `yaml:"servers"`
	Flows []struct {
		Name  string   `yaml:"name"`
		Rho   plain    `yaml:"rho"`
		Sigma plain    `yaml:"sigma"`
		Path  []string `yaml:"path"`
	} `yaml:"flows"`
}

func (f netFile) net() bounds.Net {
	var n bounds.Net
	for _, s := range f.Servers {
		n.Servers = append(n.Servers, bounds.Server{Name: s.Name, RateLatency: bounds.RateLatency{Rate: s.Rate.Rat, Latency: orZero(s.Latency.Rat)}})
	}
	for _, f := range f.Flows {
		n.Flows = append(n.Flows, bounds.Flow{Name: f.Name, Bucket: bounds.Bucket{Sigma: orZero(f.Sigma.Rat), Rho: orZero(f.Rho.Rat)}, Path: f.Path})
	}
	return n
}

func orZero(r *big.Rat) *big.Rat {
	if r == nil {
		return new(big.Rat)
	}
	return r
}

func boundNet(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "net", Usage: "delay and backlog of a flow in a network of servers", ArgsUsage: "FILE", HideHelpCommand: true, OnUsageError: usageError,
		Description: `FILE is YAML:

  servers: [{name: s1, rate: 10, latency: 10}, {name: s2, rate: 10, latency: 10}]
  flows:
    - {name: f1, rho: 5, sigma: 25, path: [s1, s2]}`,
		Flags: []cli.Flag{bare("flow", "the `NAME` of the flow"),
			&cli.StringFlag{Name: "analysis", Value: "best", EnvVars: env("bound-analysis"), Usage: "`tfa`, sfa, pmoo, best (the least of these), or proven (the same, with the flow counted against its own cross traffic in sfa)"},
			&cli.StringFlag{Name: "mux", Value: "fifo", EnvVars: env("bound-mux"), Usage: "order of service: `fifo` or any"}, formatFlag("table")},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 || c.String("flow") == "" {
				return badInput(errors.New("want one FILE and --flow NAME"))
			}
			name := c.Args().First()
			data, err := t.readFile(name)
			if err != nil {
				return badInput(err)
			}
			var f netFile
			dec := yaml.NewDecoder(bytes.NewReader(data))
			dec.KnownFields(true)
			if err := dec.Decode(&f); errors.Is(err, io.EOF) {
				return badInput(fmt.Errorf("%s: is empty: want servers and flows", name))
			} else if err != nil {
				return badInput(fmt.Errorf("%s: %w", name, err))
			}
			if err := dec.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
				return badInput(fmt.Errorf("%s: want one document, and there is more after it", name))
			}
			r, err := f.net().Delay(c.String("flow"), bounds.Analysis(c.String("analysis")), bounds.Mux(c.String("mux")))
			if err != nil {
				return badInput(fmt.Errorf("%s: %w", name, err))
			}
			if format := c.String("format"); format != "table" {
				return t.print(format, map[string]string{"delay": bounds.FormatRat(r.Delay), "backlog": bounds.FormatRat(r.Backlog)})
			}
			_, err = fmt.Fprintf(t.out, "delay %s, backlog %s\n", bounds.FormatRat(r.Delay), bounds.FormatRat(r.Backlog))
			return err
		},
	}
}

func boundShare(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "share", Usage: "compress requested shares to what a user's and a level's caps allow", HideHelpCommand: true, OnUsageError: usageError,
		Flags: []cli.Flag{bare("cap", "of the user"), bare("level-cap", "of the user's level"), &cli.StringSliceFlag{Name: "request", EnvVars: env("bound-request"), Usage: "a `SHARE` asked for, may be repeated"}, formatFlag("table")},
		Action: func(c *cli.Context) error {
			n, err := numbers(c, []string{"cap", "level-cap"})
			if err != nil {
				return err
			}
			var requests []*big.Rat
			for _, text := range c.StringSlice("request") {
				r, err := rational("--request", text)
				if err != nil {
					return err
				}
				requests = append(requests, r)
			}
			if len(requests) == 0 {
				return badInput(errors.New("--request is needed, at least one"))
			}
			return t.results(c, bounds.Compress(n["cap"], n["level-cap"], requests))
		},
	}
}
