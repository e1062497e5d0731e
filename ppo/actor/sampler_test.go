package actor

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/remote"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/reward"
)

// A server is a sampler with weights of its own, whose log-probabilities are a little off.
type server struct {
	mu        sync.RWMutex
	lm        *model.LM
	off       float32
	published []string // directories
	fail      error    // of Publish
}

func (s *server) Sample(ctx context.Context, r model.Request) ([]model.Completion, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	done, err := s.lm.Sample(ctx, r)
	for _, c := range done {
		for t := range c.LogProbs {
			c.LogProbs[t] -= s.off
		}
	}
	return done, err
}

func (s *server) Publish(_ context.Context, dir string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	lm, err := model.Open(s.lm.Backend(), dir)
	if err != nil {
		return err
	}
	s.lm, s.published = lm, append(s.published, dir)
	return nil
}

// ServeHTTP answers as vLLM does in development mode.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Prompt      []int32
		MaxTokens   int `json:"max_tokens"`
		Temperature float64
		Seed        uint64
		Method      string
		Kwargs      struct {
			Path string `json:"weights_path"`
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch r.URL.Path {
	case "/v1/completions":
		done, err := s.Sample(r.Context(), model.Request{Prompt: in.Prompt, MaxTokens: in.MaxTokens, Temperature: in.Temperature, Seed: in.Seed})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		finish := "stop"
		if done[0].Truncated {
			finish = "length"
		}
		json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{
			"finish_reason": finish, "token_ids": done[0].Tokens, "logprobs": map[string]any{"token_logprobs": done[0].LogProbs},
		}}})
	case "/collective_rpc":
		if err := s.Publish(r.Context(), in.Kwargs.Path); err != nil || in.Method != "reload_weights" {
			http.Error(w, "cannot load", http.StatusInternalServerError)
			return
		}
		w.Write([]byte("{}"))
	case "/reset_prefix_cache":
		w.Write([]byte(`{"success":true}`))
	default:
		http.NotFound(w, r)
	}
}

// sampled makes a policy whose rollouts come from a sampler, and trains it for two iterations.
func sampled(t *testing.T, lm *model.LM, s model.Sampler, c Config) (*Policy, []ppo.Step, error) {
	t.Helper()
	c.Template, c.MaxTokens, c.PolicyRate, c.CriticRate, c.Sampler = coat.Bare, 6, 1e-2, 1e-2, s
	critic, err := lm.Net.WithHeads(5, decoder.HeadScore)
	if err != nil {
		return nil, nil, err
	}
	p, err := New(lm, critic, c)
	if err != nil {
		return nil, nil, err
	}
	var steps []ppo.Step
	trainer := ppo.Trainer{Policy: p, Rubric: reward.Rubric{{Name: "game", Weight: 1, Func: alternate(4)}}, Config: ppo.Config{Iterations: 2, RolloutBatch: 8, MiniBatch: 8, WarmupRatio: ppo.Frac(0)}}
	for step, err := range trainer.Train(t.Context(), asked) {
		if err != nil {
			return p, steps, err
		}
		steps = append(steps, step)
	}
	return p, steps, nil
}

// Rollouts of another sampler are trained with the log-probabilities of the policy's own
// graph; what the sampler's differ by is reported; and it has the new weights after each
// iteration.
func TestSampler(t *testing.T) {
	b := goBackend(t)
	fresh := func() *model.LM { return words(t, b, "a b c d", 3) }
	web := func(s *server) model.Sampler {
		listener := httptest.NewServer(s)
		t.Cleanup(listener.Close)
		far, err := remote.New(remote.Config{URL: listener.URL + "/v1", Attempts: 1, LogProbs: remote.ProcessedLogProbs})
		require.NoError(t, err)
		t.Cleanup(far.Close)
		return far
	}
	for name, c := range map[string]struct {
		off         float32
		temperature float64
		connect     func(*server) model.Sampler
	}{
		"fake":                {0, 0.8, func(s *server) model.Sampler { return s }},
		"fake, a little off":  {0.01, 0.8, func(s *server) model.Sampler { return s }},
		"vLLM":                {0, 0.8, web},
		"vLLM, a little off":  {0.25, 1, web},
		"vLLM, at another T.": {0.01, 0.5, web},
	} {
		t.Run(name, func(t *testing.T) {
			// The server begins with other weights, which nothing may be sampled from.
			s := &server{lm: words(t, b, "a b c d", 99), off: c.off}
			lm, dir := fresh(), t.TempDir()
			p, steps, err := sampled(t, lm, c.connect(s), Config{Temperature: c.temperature, PublishDir: dir})
			require.NoError(t, err)
			if len(s.published) != 3 { // before the first iteration, and after each
				t.Errorf("published %v", s.published)
			}
			if left, _ := os.ReadDir(dir); len(left) != 1 {
				t.Errorf("%d directories are left", len(left))
			}
			if one, two := weightsOf(t, lm), weightsOf(t, s.lm); !slices.Equal(one, two) {
				t.Error("the server has other weights than the policy")
			}
			for i, step := range steps {
				d := step.Diagnostics
				if off := float64(c.off); math.Abs(d.SamplerError-off) > 1e-5 || math.Abs(d.SamplerMax-off) > 1e-5 || d.RatioError > 1e-5 {
					t.Errorf("iteration %d: %+v, want a difference of %g", i+1, d, off)
				}
			}
			var seen [][]int32
			for _, x := range steps[0].Samples {
				seen = append(seen, x.Tokens)
				row, err := fresh().TokenLogProbs(t.Context(), [][]int32{slices.Concat(x.Prompt, x.Tokens)}, c.temperature)
				require.NoError(t, err)
				for k, l := range x.LogProbs {
					near(t, "log-probability", float64(l), float64(row[0][len(x.Prompt)+k]), 1e-6)
				}
			}
			if s.off == 0 && name == "fake" { // it samples what the policy's own engine would
				_, own, err := sampled(t, fresh(), nil, Config{Temperature: c.temperature})
				require.NoError(t, err)
				for i, x := range own[0].Samples {
					if !slices.Equal(x.Tokens, seen[i]) {
						t.Errorf("rollout %d: %v, the policy's own %v", i, seen[i], x.Tokens)
					}
				}
				if own[1].Diagnostics.SamplerError != 0 {
					t.Errorf("%+v", own[1].Diagnostics)
				}
			}
			p.Close()
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("%d directories are left after Close", len(left))
			}
		})
	}
}

func weightsOf(t *testing.T, lm *model.LM) []float32 {
	t.Helper()
	w, ok := lm.Tensor("model.layers.0.mlp.up_proj.weight")
	if !ok {
		t.Fatal("no such weight")
	}
	return w
}

// A deaf sampler takes no weights.
type deaf struct{ s *server }

func (d deaf) Sample(ctx context.Context, r model.Request) ([]model.Completion, error) {
	return d.s.Sample(ctx, r)
}

// A sampler that cannot take weights is refused before anything runs, unless it takes them
// in another way; where publishing fails training ends.
func TestSamplerErrors(t *testing.T) {
	b := goBackend(t)
	lm := words(t, b, "a b c d", 3)
	if _, _, err := sampled(t, lm, deaf{&server{lm: lm}}, Config{}); err == nil || !strings.Contains(err.Error(), "actor: Config.Sampler is a actor.deaf, which has no method Publish") {
		t.Errorf("%v", err)
	}
	p, steps, err := sampled(t, lm, deaf{&server{lm: lm}}, Config{SamplerFollows: true}) // it has the same network
	if err != nil || len(steps) != 2 || steps[1].Diagnostics.SamplerError > 1e-5 {
		t.Errorf("%+v, %v", steps, err)
	}
	p.Close()

	full := errors.New("no room")
	s := &server{lm: words(t, b, "a b c d", 99), fail: full}
	dir := t.TempDir()
	p, steps, err = sampled(t, words(t, b, "a b c d", 3), s, Config{PublishDir: dir})
	if !errors.Is(err, full) || !strings.Contains(err.Error(), "ppo: iteration 1: publishing the weights") || len(steps) > 0 {
		t.Errorf("%d steps, %v", len(steps), err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%d directories are left", len(left))
	}
	p.Close()
}

// A policy that was loaded gives its weights to the sampler before it samples.
func TestSamplerResumes(t *testing.T) {
	b := goBackend(t)
	s := &server{lm: words(t, b, "a b c d", 99)}
	config := Config{PublishDir: t.TempDir()}
	p, _, err := sampled(t, words(t, b, "a b c d", 3), s, config)
	require.NoError(t, err)
	defer p.Close()
	dir := t.TempDir() + "/actor"
	require.NoError(t, p.Save(dir))
	again, _, err := sampled(t, words(t, b, "a b c d", 4), s, config)
	require.NoError(t, err)
	defer again.Close()
	require.NoError(t, again.Load(dir))
	_, err = again.Rollouts(t.Context(), []coat.Start{{Problem: coat.Problem{Question: "a"}}}, 1)
	require.NoError(t, err)
	if !reflect.DeepEqual(weightsOf(t, s.lm), weightsOf(t, p.LM)) {
		t.Error("the server has other weights than the checkpoint")
	}
}
