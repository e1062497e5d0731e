package progress

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
)

func Example() {
	trace, err := coat.Parse(`20 40 <|reflect|> 40 is not 10 <|explore|> 20 10 <|continue|> \boxed{ 20 10 }`)
	if err != nil {
		panic(err)
	}
	if err := Trace(os.Stdout, trace); err != nil {
		panic(err)
	}
	// Output:
	//               20 40
	// <|reflect|>   40 is not 10
	// <|explore|>   20 10
	// <|continue|>  \boxed{ 20 10 }
}

// clock makes a line whose time passes as the test says.
func clock(width func() int) (l *Line, out *bytes.Buffer, pass func(time.Duration)) {
	out = new(bytes.Buffer)
	now := time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC)
	l = &Line{w: out, width: width, now: func() time.Time { return now }}
	return l, out, func(d time.Duration) { now = now.Add(d) }
}

func TestPlain(t *testing.T) {
	l, out, pass := clock(nil)
	l.Done() // nothing to end
	l.Stage("rl", 40)
	for n := 21; n <= 24; n++ { // after an earlier run's 20
		pass(3 * time.Second)
		l.Step(n, Value("reward", -0.31234), Share("accuracy", 0.6125), Tokens(3000))
	}
	l.Stage("evaluate", 0)
	pass(time.Second)
	l.Step(1)
	l.Done()
	l.Done()
	want := `rl 22/40, reward -0.312, accuracy 61.3 %, 1000 tokens/s, ends 15:01:00
rl 24/40, reward -0.312, accuracy 61.3 %, 1000 tokens/s, ends 15:01:00
rl 24/40, reward -0.312, accuracy 61.3 %, 1000 tokens/s, took 12s
evaluate 1, took 1s
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}

// The clock of a stage starts when the stage opens, also if the number of its steps is known
// later. The last step is printed once. A stage without a step is not printed.
func TestStepsKnownLater(t *testing.T) {
	l, out, pass := clock(nil)
	l.Stage("eval", 0)
	pass(time.Second)
	l.Stage("rm", 0)
	pass(6 * time.Second)
	l.Stage("rm", 2)
	l.Step(1, Tokens(600))
	pass(6 * time.Second)
	l.Step(2, Tokens(600))
	l.Done()
	if want := "rm 1/2, 100 tokens/s\nrm 2/2, 100 tokens/s, took 12s\n"; out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}

func TestLive(t *testing.T) {
	l, out, pass := clock(func() int { return 70 })
	l.Stage("rl", 0)
	l.Stage("rl", 4)
	for n := 1; n <= 4; n++ {
		pass(time.Second)
		l.Step(n, Value("reward", -0.5), Value("a field too long to have room", 1))
	}
	l.Done()
	last := strings.Split(out.String(), "\r")
	if final := last[len(last)-1]; final != "rl 4/4, reward -0.5, a field too long to have room 1, took 4s\n" {
		t.Errorf("last line %q", final)
	}
	for _, part := range last[:len(last)-1] {
		if n := len([]rune(strings.ReplaceAll(part, "\x1b[2K", ""))); n > 70 || strings.Contains(part, "\n") {
			t.Errorf("%d columns: %q", n, part)
		}
	}
	if s := out.String(); !strings.Contains(s, "50%") || !strings.Contains(s, "rl 2/4, reward -0.5") {
		t.Errorf("got %q", s)
	}
}

// A file is no terminal.
func TestFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	defer f.Close()
	l := New(f)
	l.Stage("ft", 1)
	l.Step(1)
	l.Done()
	data, err := os.ReadFile(f.Name())
	if err != nil || !strings.HasPrefix(string(data), "ft 1/1, took ") || strings.Contains(string(data), "\x1b") {
		t.Errorf("got %q, %v", data, err)
	}
}

func TestTraceColour(t *testing.T) {
	steps := coat.Trace{{Text: "a\x1b[2J"}, {Action: coat.Continue, Text: " b "}, {Action: coat.Reflect, Text: " c"}}
	var b strings.Builder
	require.NoError(t, trace(&b, steps, true))
	want := "              a\ufffd[2J\n\x1b[34m<|continue|>\x1b[0m  b\n\x1b[33m<|reflect|>\x1b[0m   \x1b[33mc\x1b[0m\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
