package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/satori-go/satori/examples/progress"
	"github.com/satori-go/satori/model"
)

// show prints the completions of a request one after the other. It prints the first
// unfinished one while it is sampled. At the end it reports the speed on stderr.
func (g *generator) show(ctx context.Context, r model.Request, stdout, stderr io.Writer) error {
	texts := make([]text, r.N)
	done := make([]bool, r.N)
	start, tokens, now := time.Now(), 0, 0
	head := func() string {
		if r.N == 1 {
			return ""
		}
		return fmt.Sprintf("--- %d of %d\n", now+1, r.N)
	}
	print := func(s string) error {
		_, err := io.WriteString(stdout, progress.Paint(stdout, s))
		return err
	}
	if err := print(head()); err != nil {
		return err
	}
	for p, err := range g.lm.Stream(ctx, []model.Request{r}) {
		if err != nil {
			return err
		}
		tokens += len(p.Tokens)
		t := &texts[p.N]
		t.ids = append(t.ids, p.Tokens...)
		done[p.N] = p.Done
		for now < r.N {
			piece := texts[now].grown(g.lm, done[now])
			if done[now] {
				piece += "\n"
			}
			if err := print(piece); err != nil {
				return err
			}
			if !done[now] {
				break
			}
			if now++; now < r.N {
				if err := print(head()); err != nil {
					return err
				}
			}
		}
	}
	seconds := time.Since(start).Seconds()
	fmt.Fprintf(stderr, "%d tokens in %.1f s with reading the prompt and compiling, %.1f tokens/s\n", tokens, seconds, float64(tokens)/seconds)
	return nil
}

// A text is a completion under way.
type text struct {
	ids   []int32
	shown string
}

// grown returns the part of the text that is new since the last call. It holds back a
// character of which bytes are missing, unless done says that none will come.
func (t *text) grown(lm *model.LM, done bool) string {
	now := lm.Response(t.ids)
	if !done {
		now = strings.TrimRight(now, "\ufffd")
	}
	more, ok := strings.CutPrefix(now, t.shown)
	if !ok && !done {
		return "" // bytes of a run that is no character yet, see the tokenizer's ByteFallback
	}
	if !ok {
		more = now[common(now, t.shown):]
	}
	t.shown = now
	return more
}

// common returns the number of bytes in which two texts agree from their beginning, in
// whole characters.
func common(a, b string) int {
	for i, r := range a {
		if i >= len(b) || !strings.HasPrefix(b[i:], string(r)) {
			return i
		}
	}
	return len(a)
}
