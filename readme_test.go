package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"

	"tallyport/internal/cli"
)

// shellLines returns the lines of the README's sh blocks.
func shellLines(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(b), -1) {
		lines = append(lines, strings.Split(strings.TrimSpace(block[1]), "\n")...)
	}
	return lines
}

// Every command of the README runs, in the order of the README.
func TestReadme(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	ci, err := os.ReadFile(filepath.Join(".ci", "run"))
	if err != nil {
		t.Fatal(err)
	}
	script := "sim\n"
	run := 0
	for _, line := range shellLines(t) {
		command, rest, _ := strings.Cut(line, " ")
		switch command {
		case "tallyport":
			if strings.HasPrefix(rest, "serve ") { // it runs until it is stopped
				script += "freeport\nexec tallyport " + rest + " --listen 127.0.0.1:$PORT &page&\nget http://127.0.0.1:$PORT/ page.html 200\ngrep 'By kind' page.html\nkill -INT page\nwait page\n"
				run++
				continue
			}
			script += "exec tallyport " + rest + "\n"
			run++
		case "make":
			if !regexp.MustCompile(`(?m)^` + rest + `:`).Match(makefile) {
				t.Errorf("there is no make %s", rest)
			}
			if rest != "man" && rest != "build" && !strings.Contains(string(ci), "make "+rest) {
				t.Errorf("make %s is run by no test", rest)
			}
		default:
			t.Errorf("nothing runs %q", line)
		}
	}
	if run < 10 {
		t.Errorf("only %d commands were found", run)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "readme.txtar"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: dir, RequireExplicitExec: true, Cmds: scriptCommands(), Setup: scriptSetup})
}

// The README's walk through a pretend MX of one's own works as it is pasted, and
// ends with tickets for what was lost.
func TestReadmeSim(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```bash\n(.*?)```").FindAllStringSubmatch(string(b), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d blocks for two terminals", len(blocks))
	}
	flags := regexp.MustCompile(`:808\d\b`).ReplaceAllString(strings.TrimSpace(blocks[0][1]), ":0")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cli.Interrupted{Signal: 15})
	var out strings.Builder
	code := cli.Main(ctx, cli.Env{
		Args: strings.Fields(flags), Stdout: &out, Stderr: io.Discard, Now: time.Now,
		LookupEnv: func(string) (string, bool) { return "", false },
	})
	if code != 0 || !strings.HasPrefix(out.String(), "export MX_API_KEY=") || !strings.Contains(out.String(), "\ncontrol http://") {
		t.Fatalf("exit code %d of %s: %s", code, flags, out.String())
	}
	script := "[!exec:curl] skip\nsim users=20 ago=336h transactions=120 pages=1000\ncontrol\n" +
		"exec sh -c 'sed s,http://127.0.0.1:8081,$CONTROL, walk.sh > here.sh'\n" +
		"exec sh -e here.sh\nstdout '^T-.* missing_transaction'\n-- walk.sh --\n" + blocks[1][1]
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "walk.txtar"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: dir, RequireExplicitExec: true, Cmds: scriptCommands(), Setup: scriptSetup})
}

// What the files in deploy call is a command with flags that exist.
func TestDeploy(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("deploy", "cronjob.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var job struct {
		Spec struct {
			JobTemplate struct {
				Spec struct {
					PodFailurePolicy struct {
						Rules []struct {
							OnExitCodes struct{ Values []int } `yaml:"onExitCodes"`
						}
					} `yaml:"podFailurePolicy"`
					Template struct {
						Spec struct {
							Containers []struct{ Command, Args []string }
						}
					}
				}
			} `yaml:"jobTemplate"`
		}
	}
	if err := yaml.Unmarshal(b, &job); err != nil {
		t.Fatal(err)
	}
	pod := job.Spec.JobTemplate.Spec.Template.Spec.Containers[0]
	calls := []string{strings.Join(pod.Args, " ")}
	// Gaps are no failed Job; findings are one that is not tried again.
	if got := job.Spec.JobTemplate.Spec.PodFailurePolicy.Rules[0].OnExitCodes.Values; !slices.Equal(got, []int{2, 4, 12}) {
		t.Errorf("exit codes that fail the Job: %v", got)
	}
	shell := strings.ReplaceAll(pod.Command[2], "/tallyport ", "sh -c 'exit $0' ")
	for code, want := range map[string]int{"0": 0, "1": 1, "3": 0, "4": 4, "13": 13} {
		cmd := exec.Command("sh", "-c", shell, pod.Command[3], code)
		if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != want {
			t.Errorf("the pod ends with %v where tallyport ends with %s: %v", cmd.ProcessState, code, err)
		}
	}
	unit, err := os.ReadFile(filepath.Join("deploy", "tallyport.service"))
	if err != nil {
		t.Fatal(err)
	}
	start := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/tallyport (.*)$`).FindStringSubmatch(string(unit))
	if start == nil {
		t.Fatal("the unit starts nothing")
	}
	calls = append(calls, start[1])
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	cron := regexp.MustCompile(`(?m)^0 \d \* \* \*  .*tallyport ((?:nightly|export) .*)$`).FindAllStringSubmatch(string(readme), -1)
	if cron == nil {
		t.Fatal("there is no cron line in the README")
	}
	for _, c := range cron {
		calls = append(calls, c[1])
	}
	script := "sim ago=0s\nwatchdog\n"
	for i, c := range calls {
		c = regexp.MustCompile(`--store[= ]\S+`).ReplaceAllString(c, "--store s"+string(rune('0'+i)))
		c = regexp.MustCompile(`--ping-url \S+`).ReplaceAllString(c, "--ping-url $$WATCHDOG")
		script += "exec tallyport " + c + "\n"
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "deploy.txtar"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: dir, RequireExplicitExec: true, Cmds: scriptCommands(), Setup: scriptSetup})
}
