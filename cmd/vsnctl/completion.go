package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

// The scripts ask vsnctl itself, so that they never go stale.
var completions = map[string]string{
	"bash": `_vsnctl() {
  local words
  words=$("${COMP_WORDS[@]:0:COMP_CWORD}" --generate-bash-completion 2>/dev/null)
  COMPREPLY=($(compgen -W "$words" -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o bashdefault -o default -F _vsnctl vsnctl
`,
	"zsh": `#compdef vsnctl
_vsnctl() {
  local -a words
  words=("${(@f)$(${words[@]:0:#words[@]-1} --generate-bash-completion 2>/dev/null)}")
  _describe 'command' words
  _files
}
compdef _vsnctl vsnctl
`,
	"fish": "",
}

func completionCommand(t *terminal) *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print a completion script for a shell", ArgsUsage: "bash|zsh|fish", HideHelpCommand: true, OnUsageError: usageError,
		Description: "Try it:  source <(vsnctl completion bash)\nKeep it: vsnctl completion bash > /etc/bash_completion.d/vsnctl",
		Action: func(c *cli.Context) error {
			shell := c.Args().First()
			script, known := completions[shell]
			if !known || c.NArg() != 1 {
				return badInput(fmt.Errorf("completion for %q: want one of bash, zsh, fish", shell))
			}
			if shell == "fish" {
				var err error
				if script, err = c.App.ToFishCompletion(); err != nil {
					return err
				}
			}
			_, err := fmt.Fprint(t.out, script)
			return err
		},
		BashComplete: func(c *cli.Context) { fmt.Fprintln(t.out, "bash\nzsh\nfish") },
	}
}
