package jinja

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What package chat leaves to this one is tested there, against Jinja2's own output.

func ExampleTemplate_Render() {
	t, err := Parse(`{% for name in person %}{{ name }}={{ person[name] }};{% endfor %} {{ strftime_now("%Y") }}`)
	if err != nil {
		panic(err)
	}
	person := Object{{"name", "Ann"}, {"born", 1998}, {"address", "Bonn"}}
	fmt.Println(t.Render(map[string]any{"person": person}, time.Date(2026, 3, 7, 0, 0, 0, 0, time.UTC)))
	// Output: name=Ann;born=1998;address=Bonn; 2026 <nil>
}

// One template renders for many goroutines, and a failed rendering leaves no trace.
func TestRenderAgain(t *testing.T) {
	tmpl, err := Parse("{% set n = 1 %}\n{{ x.y }}{{ n }}")
	require.NoError(t, err)
	for range 2 {
		if text, err := tmpl.Render(nil, time.Time{}); err == nil || text != "" || !strings.HasPrefix(err.Error(), "line 2: ") {
			t.Errorf("Render = %q, %v, want an error at line 2", text, err)
		}
		if text, err := tmpl.Render(map[string]any{"x": map[string]any{"y": 7}}, time.Time{}); err != nil || text != "71" {
			t.Errorf("Render = %q, %v, want 71", text, err)
		}
	}
}
