package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

// The README shows the code of two examples as it stands.
func TestReadme(t *testing.T) {
	source := dedent(read(t, "main.go")) + dedent(read(t, "../grpo/main.go"))
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(read(t, "../../README.md"), -1)
	if len(blocks) == 0 {
		t.Error("README.md has no Go code, want the heart of this program")
	}
	for _, b := range blocks {
		if !strings.Contains(source, dedent(b[1])) {
			t.Errorf("README.md has code that neither examples/embed nor examples/grpo has:\n%s", b[1])
		}
	}
}

// dedent removes the indentation of all lines.
func dedent(text string) string { return regexp.MustCompile(`(?m)^\t+`).ReplaceAllString(text, "") }

// The README names test commands as CI runs them.
func TestReadmeCommands(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "../../README.md"), "\n## Tests\n")
	_, section, _ = strings.Cut(section, "```sh\n")
	section, _, _ = strings.Cut(section, "```")
	if section == "" {
		t.Error("README.md has no section Tests with commands")
	}
	ci := read(t, "../../.ci/run")
	for line := range strings.Lines(section) {
		command, _, _ := strings.Cut(line, " #")
		if command = strings.TrimSpace(command); !strings.Contains(ci, command) {
			t.Errorf("README.md has a command that .ci/run does not run: %s", command)
		}
	}
}

func TestRun(t *testing.T) {
	if err := run(t.Context()); err != nil {
		t.Error(err)
	}
}
