// Package samplertest tests implementations of [sampler.Sampler], as testing/fstest tests those
// of a file system.
package samplertest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/satori-go/satori/model/sampler"
)

// maxTokens bounds the completions of the tests.
const maxTokens = 12

// Test checks that a sampler does what [sampler.Sampler] promises. It needs two prompts or
// more, after which the model is not certain of its next tokens.
func Test(t *testing.T, s sampler.Sampler, prompts [][]int32) {
	t.Helper()
	c := conformance{s, prompts}
	t.Run("shapes", c.testShapes)
	t.Run("greedy", c.testGreedy)
	t.Run("stops", c.testStops)
	t.Run("seeds", c.testSeeds)
	t.Run("faults", c.testFaults)
	t.Run("concurrent", c.testConcurrent)
	t.Run("cancelled", c.testCancelled)
}

// conformance is a sampler under test.
type conformance struct {
	sampler sampler.Sampler
	prompts [][]int32
}

// sample makes completions that have the right form.
func (s conformance) sample(t *testing.T, r sampler.Request) []sampler.Completion {
	t.Helper()
	done, err := s.sampler.Sample(t.Context(), r)
	if err == nil {
		err = check(r, done)
	}
	if err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	return done
}

// testShapes checks the form of completions of every kind of request.
func (s conformance) testShapes(t *testing.T) {
	for i, r := range requests(s.prompts) {
		r.N = i % 4
		s.sample(t, r)
	}
}

// testGreedy checks that greedy sampling takes the likeliest token, whatever the seed.
func (s conformance) testGreedy(t *testing.T) {
	for _, p := range s.prompts {
		first := s.sample(t, sampler.Request{Prompt: p, MaxTokens: maxTokens, Seed: 1})[0]
		again := s.sample(t, sampler.Request{Prompt: p, MaxTokens: maxTokens, Seed: 2, TopP: 0.3})[0]
		one := s.sample(t, sampler.Request{Prompt: p, MaxTokens: maxTokens, Seed: 3, Temperature: 1, TopK: 1})[0]
		if !slices.Equal(first.Tokens, again.Tokens) || !slices.Equal(first.Tokens, one.Tokens) {
			t.Errorf("greedy %v, again %v, of one token %v", first.Tokens, again.Tokens, one.Tokens)
		}
		for _, l := range one.LogProbs {
			if math.Abs(float64(l)) > 1e-5 {
				t.Errorf("the only token has log-probability %g, want 0", l)
			}
		}
	}
}

// testStops checks that a stop ends a completion and is its last token.
func (s conformance) testStops(t *testing.T) {
	for _, p := range s.prompts {
		greedy := s.sample(t, sampler.Request{Prompt: p, MaxTokens: maxTokens})[0].Tokens
		if len(greedy) == 0 {
			t.Fatalf("the greedy completion of %v is empty; the test wants another prompt", p)
		}
		stop := greedy[len(greedy)/2]
		want := greedy[:slices.Index(greedy, stop)+1]
		got := s.sample(t, sampler.Request{Prompt: p, MaxTokens: maxTokens, Stop: []int32{stop}})[0]
		if !slices.Equal(got.Tokens, want) || got.Truncated {
			t.Errorf("stop %d: %v, truncated %t; without it %v", stop, got.Tokens, got.Truncated, greedy)
		}
	}
}

// testSeeds checks that a seed decides the tokens, and that another changes them.
func (s conformance) testSeeds(t *testing.T) {
	r := sampler.Request{Prompt: s.prompts[0], MaxTokens: maxTokens, Temperature: 1, N: 6, Seed: 7}
	first, again := s.sample(t, r), s.sample(t, r)
	r.Seed = 8
	other := s.sample(t, r)
	distinct, moved := map[string]bool{}, false
	for i := range first {
		if !slices.Equal(first[i].Tokens, again[i].Tokens) {
			t.Errorf("completion %d: the same request gives %v and %v", i, first[i].Tokens, again[i].Tokens)
		}
		moved = moved || !slices.Equal(first[i].Tokens, other[i].Tokens)
		distinct[fmt.Sprint(first[i].Tokens)] = true
	}
	if len(distinct) == 1 || !moved {
		t.Errorf("6 completions, %d distinct; another seed changes them: %t", len(distinct), moved)
	}
}

// testFaults checks that a request that cannot be served is an error.
func (s conformance) testFaults(t *testing.T) {
	good := sampler.Request{Prompt: s.prompts[0], MaxTokens: 1, Temperature: 1}
	for name, harm := range map[string]func(r *sampler.Request){
		"no prompt":            func(r *sampler.Request) { r.Prompt = nil },
		"no tokens":            func(r *sampler.Request) { r.MaxTokens = 0 },
		"negative tokens":      func(r *sampler.Request) { r.MaxTokens = -1 },
		"negative N":           func(r *sampler.Request) { r.N = -1 },
		"negative temperature": func(r *sampler.Request) { r.Temperature = -1 },
		"temperature NaN":      func(r *sampler.Request) { r.Temperature = math.NaN() },
		"top-p 2":              func(r *sampler.Request) { r.TopP = 2 },
		"top-p NaN":            func(r *sampler.Request) { r.TopP = math.NaN() },
		"negative top-k":       func(r *sampler.Request) { r.TopK = -1 },
		"min-p 2":              func(r *sampler.Request) { r.MinP = 2 },
	} {
		r := good
		harm(&r)
		if done, err := s.sampler.Sample(t.Context(), r); err == nil || done != nil {
			t.Errorf("%s: %v, %v", name, done, err)
		}
	}
}

// testConcurrent checks requests side by side.
func (s conformance) testConcurrent(t *testing.T) {
	var group sync.WaitGroup
	for _, r := range requests(s.prompts) {
		group.Go(func() {
			done, err := s.sampler.Sample(t.Context(), r)
			if err == nil {
				err = check(r, done)
			}
			if err != nil {
				t.Errorf("%+v: %v", r, err)
			}
		})
	}
	group.Wait()
}

// testCancelled checks that a cancelled context ends requests with its error, and that the sampler works afterwards.
func (s conformance) testCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done, err := s.sampler.Sample(ctx, sampler.Request{Prompt: s.prompts[0], MaxTokens: 1})
	if !errors.Is(err, context.Canceled) || done != nil {
		t.Errorf("%v, error %v, want context.Canceled", done, err)
	}
	// In the middle, and of one call alone.
	ctx, cancel = context.WithCancel(t.Context())
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			if i == 0 {
				cancel()
			}
			_, err := s.sampler.Sample(ctx, sampler.Request{Prompt: s.prompts[0], MaxTokens: maxTokens, N: 4, Temperature: 1})
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want context.Canceled", err)
			}
		})
	}
	group.Wait()
	cancel()
	s.sample(t, sampler.Request{Prompt: s.prompts[0], MaxTokens: 1})
}

// TestStable runs [Test], and checks further that a request gives the same tokens whatever
// other requests run. Not every sampler promises that.
func TestStable(t *testing.T, s sampler.Sampler, prompts [][]int32) {
	t.Helper()
	Test(t, s, prompts)
	t.Run("beside others", func(t *testing.T) {
		asked := requests(prompts)
		alone := make([][]sampler.Completion, len(asked))
		for i, r := range asked {
			var err error
			if alone[i], err = s.Sample(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		var group sync.WaitGroup
		for i, r := range asked {
			group.Go(func() {
				done, err := s.Sample(t.Context(), r)
				if err != nil || !slices.Equal(done[0].Tokens, alone[i][0].Tokens) {
					t.Errorf("%+v: alone %v, beside others %v, %v", r, alone[i], done, err)
				}
			})
		}
		group.Wait()
	})
}

// requests makes one request or two of every kind.
func requests(prompts [][]int32) (list []sampler.Request) {
	for i, r := range []sampler.Request{
		{}, {Temperature: 1}, {Temperature: 0.6}, {Temperature: 1, TopP: 0.8}, {Temperature: 1.5, TopK: 5}, {Temperature: 1, MinP: 0.1},
		{Temperature: 0.8, TopP: 0.9, TopK: 20, MinP: 0.02}, {Temperature: 1, TopP: 1},
	} {
		r.Prompt, r.MaxTokens, r.Seed = prompts[i%len(prompts)], 1+(5*i)%maxTokens, uint64(i)
		list = append(list, r)
	}
	return list
}

// check returns what is wrong with the form of a request's completions.
func check(r sampler.Request, done []sampler.Completion) error {
	if len(done) != max(1, r.N) {
		return fmt.Errorf("%d completions", len(done))
	}
	cut := r.Temperature > 0 && (r.TopK > 0 || r.TopP > 0 && r.TopP < 1 || r.MinP > 0)
	for i, c := range done {
		fault := func(format string, args ...any) error {
			return fmt.Errorf("completion %d: %s: %+v", i, fmt.Sprintf(format, args...), c)
		}
		n := len(c.Tokens)
		switch {
		case n > r.MaxTokens, c.Truncated && n != r.MaxTokens:
			return fault("%d tokens", n)
		case c.LogProbs != nil && len(c.LogProbs) != n, c.UnfilteredLogProbs != nil && len(c.UnfilteredLogProbs) != n:
			return fault("%d tokens, %d log-probabilities, %d plain ones", n, len(c.LogProbs), len(c.UnfilteredLogProbs))
		case c.UnfilteredLogProbs != nil && !cut:
			return fault("UnfilteredLogProbs without a filter")
		case n > 0 && c.LogProbs == nil && !cut && r.Temperature == 1:
			return fault("no log-probabilities")
		}
		for k, l := range c.LogProbs {
			if !(l <= 1e-5) || math.IsInf(float64(l), 0) {
				return fault("log-probability %d is %g", k, l)
			}
			if c.UnfilteredLogProbs != nil && !(c.UnfilteredLogProbs[k] <= l+1e-5) {
				return fault("token %d became less likely by what was cut off", k)
			}
		}
	}
	return nil
}
