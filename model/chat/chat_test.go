package chat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A rendered is a case of testdata/rendered.json, which Jinja2 made; see README.md there.
type rendered struct {
	Template, Source string
	Messages         json.RawMessage
	Variables        map[string]json.RawMessage
	Text             *string
	Error            string
}

func readCases(t testing.TB) []rendered {
	t.Helper()
	var cases []rendered
	require.NoError(t, json.Unmarshal(readFile(t, "testdata/rendered.json"), &cases))
	return cases
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

var then = time.Date(2026, 3, 7, 9, 5, 4, 0, time.UTC)

func TestRendered(t *testing.T) {
	count := 0
	for _, c := range readCases(t) {
		source := c.Source
		if c.Template != "" {
			source = string(readFile(t, filepath.Join("testdata", c.Template+".jinja")))
		}
		variables := map[string]any{}
		for name, v := range c.Variables {
			variables[name] = v
		}
		if c.Messages != nil {
			variables["messages"] = c.Messages
		}
		var text string
		tmpl, err := Parse(source)
		if err == nil {
			text, err = tmpl.Render(Input{Variables: variables, Now: then})
		}
		switch {
		case c.Text == nil && err == nil:
			t.Errorf("%s %q: %q, want the error %s", c.Template, c.Source, text, c.Error)
		case c.Text != nil && (err != nil || text != *c.Text):
			t.Errorf("%s %q with %s %s:\n%q, %v; want\n%q", c.Template, c.Source, c.Messages, c.Variables, text, err, *c.Text)
		case c.Template != "" && c.Text == nil && !strings.Contains(err.Error(), c.Error):
			t.Errorf("%s with %s: %v, want %s", c.Template, c.Messages, err, c.Error)
		}
		count++
	}
	if count < 300 {
		t.Errorf("only %d cases", count)
	}
}
