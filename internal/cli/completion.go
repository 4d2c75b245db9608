package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

func (s *session) completionCommand() *cli.Command {
	return s.command(&cli.Command{
		Name:      "completion",
		Usage:     "prints shell completion for bash, zsh or fish",
		ArgsUsage: "SHELL",
		Description: `Examples:
  source <(tallyport completion bash)
  tallyport completion fish > ~/.config/fish/completions/tallyport.fish`,
		Action: func(c *cli.Context) error {
			switch shell := c.Args().First(); shell {
			case "bash":
				s.out("%s", bashCompletion)
			case "zsh":
				s.out("%s", zshCompletion)
			case "fish":
				text, err := c.App.ToFishCompletion()
				if err != nil {
					return err
				}
				s.out("%s", text)
			case "":
				return usagef("which shell? tallyport completion bash, zsh or fish")
			default:
				return usagef("there is no completion for %q; there is one for bash, zsh and fish", shell)
			}
			return nil
		},
	}, 1)
}

// The program itself knows what may follow: these ask it.
const bashCompletion = `_tallyport() {
  local cur=${COMP_WORDS[COMP_CWORD]}
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$("${COMP_WORDS[@]:0:COMP_CWORD}" ${cur:+"$cur"} --generate-bash-completion 2>/dev/null)" -- "$cur"))
}
complete -o default -F _tallyport tallyport
`

const zshCompletion = `#compdef tallyport
_tallyport() {
  local -a found
  found=("${(@f)$("${words[@]:0:$((CURRENT-1))}" ${words[CURRENT]:+"${words[CURRENT]}"} --generate-bash-completion 2>/dev/null)}")
  _describe values found
}
compdef _tallyport tallyport
`

// manCommand prints the manual page; make man calls it.
func (s *session) manCommand() *cli.Command {
	return s.command(&cli.Command{
		Name:  "man",
		Usage: "prints the manual page",
		Action: func(c *cli.Context) error {
			text, err := c.App.ToMan()
			if err != nil {
				return fmt.Errorf("manual page: %w", err)
			}
			s.out("%s", text)
			return nil
		},
	}, 0)
}
