package agent

import (
	"context"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/synth"
)

// Critic makes a critic of a model. It verifies a step drawn at random, the last one
// excepted (section C), and skips a solution of one step. If it cannot read a reply it asks
// once more; a second such reply is [synth.ErrUnparsable].
func Critic(m Model, c Config) synth.Critic {
	c = c.Resolved()
	return synth.Critic{
		Verify: func(ctx context.Context, p coat.Problem, t coat.Trace, seed uint64) (synth.Review, error) {
			if len(t) < 2 {
				return synth.Review{}, synth.ErrSkip
			}
			rng := source(seed)
			r := synth.Review{Step: rng.IntN(len(t) - 1)}
			d := Data{Problem: p, Steps: numbered(t[:r.Step+1])}
			err := c.ask(ctx, m, c.Prompts.Verify, d, rng, func(text string) bool {
				why, ok := readVerify(text)
				r.Reflection = " " + opened(c.Openers.Verify, why, rng)
				return ok
			})
			return r, err
		},
		FirstWrong: func(ctx context.Context, p coat.Problem, t coat.Trace, from int, seed uint64) (r synth.Review, err error) {
			if from >= len(t) {
				return r, synth.ErrSkip
			}
			rng := source(seed)
			prompt, d := c.Prompts.FindError, Data{Problem: p, Steps: numbered(t[from:])}
			if from > 0 {
				prompt, d.Given = c.Prompts.FindErrorAgain, plain(t[:from])
			}
			err = c.ask(ctx, m, prompt, d, rng, func(text string) bool {
				step, why, hint, ok := readFind(text)
				r.Step = from + step - 1
				r.Reflection = " " + opened(c.Openers.Mistake, why, rng)
				r.Hint = " " + opened(c.Openers.Explore, hint, rng)
				return ok && step >= 1 && r.Step < len(t)
			})
			return r, err
		},
	}
}

// Judge makes a selector of a model: it asks for a mark from 0 to 10, and once more if the
// reply has none. The paper's selector is a reward model, see [synth.Selector].
func Judge(m Model, c Config) synth.Selector {
	c = c.Resolved()
	return func(ctx context.Context, d coat.Demo) (mark float64, err error) {
		// A selector has no seed: the same demonstration gets the same mark.
		data := Data{Problem: d.Problem, Trace: plain(d.Trace)}
		err = c.ask(ctx, m, c.Prompts.Grade, data, source(0), func(text string) (ok bool) {
			mark, ok = readMark(text)
			return ok
		})
		return mark, err
	}
}

// ask asks until read accepts the reply, twice at most.
func (c Config) ask(ctx context.Context, m Model, p Prompt, d Data, rng *rand.Rand, read func(text string) bool) error {
	r, err := p.request(d)
	if err != nil {
		return err
	}
	r.Temperature, r.MaxTokens, r.Stop = *c.ReviewTemperature, c.ReviewTokens, c.Stop
	for attempt := range 2 {
		if attempt == 1 {
			again, err := fill(c.Prompts.Retry.User, d)
			if err != nil {
				return err
			}
			r.User += "\n\n" + again
		}
		r.Seed = rng.Uint64()
		reply, err := m(ctx, r)
		if err != nil {
			return err
		}
		text := reply.Text
		if reply.Truncated { // the last line is not whole
			text = text[:max(0, strings.LastIndexByte(text, '\n'))]
		}
		if text, ok := said(text); ok && read(text) {
			return nil
		}
	}
	return synth.ErrUnparsable
}

var (
	verifyLine = regexp.MustCompile(`(?im)^[\s*#>-]*verify\**\s*:\**[ \t]*(.+)$`)
	stepLine   = regexp.MustCompile(`(?im)^[\s*#>-]*(?:in\s+)?step\s*[#(]?(\d{1,4})\)?\**\s*[:,.]\**[ \t]*(.+)$`)
	hintLine   = regexp.MustCompile(`(?im)^[\s*#>-]*alternatively\**\s*[:,]\**[ \t]*(.+)$`)
	markLine   = regexp.MustCompile(`(?im)^[\s*#>-]*mark\**\s*:\**[ \t]*(\d+(?:\.\d+)?)`)
	// tells matches what gives the answer away: a critic that mentions what it alone has seen.
	tells = regexp.MustCompile(`(?i)\\boxed|\(one sentence\)|ground.truth|reference (answer|solution)|` +
		`(right|correct) (answer|solution) (is|says|states)`)
)

func readVerify(text string) (why string, ok bool) {
	found := verifyLine.FindStringSubmatch(text)
	if found == nil {
		return "", false
	}
	return sentence(found[1])
}

func readFind(text string) (step int, why, hint string, ok bool) {
	at, other := stepLine.FindStringSubmatch(text), hintLine.FindStringSubmatch(text)
	if at == nil || other == nil {
		return 0, "", "", false
	}
	step, _ = strconv.Atoi(at[1])
	why, ok1 := sentence(at[2])
	hint, ok2 := sentence(other[1])
	return step, why, hint, ok1 && ok2
}

func readMark(text string) (float64, bool) {
	found := markLine.FindStringSubmatch(text)
	if found == nil {
		return 0, false
	}
	mark, err := strconv.ParseFloat(found[1], 64)
	return mark, err == nil && mark <= 10
}

// sentence returns a line of a review without the marks of emphasis around it.
func sentence(line string) (string, bool) {
	line = strings.TrimSpace(strings.Trim(strings.TrimSpace(line), "*"))
	return line, line != "" && !tells.MatchString(line)
}
