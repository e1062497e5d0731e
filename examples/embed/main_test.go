package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The README shows the code of two examples as it stands.
func TestReadme(t *testing.T) {
	read := func(path string) string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	source := dedent(read("main.go")) + dedent(read("../grpo/main.go"))
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(read("../../README.md"), -1)
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

func TestRun(t *testing.T) {
	if err := run(t.Context()); err != nil {
		t.Error(err)
	}
}
