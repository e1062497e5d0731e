package ppo_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/tokenizer"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/rae"
	"github.com/satori-go/satori/reward"
)

// A small is a run with everything that has to be gone on with: two optimisers, an
// online buffer of restarts mixed with fresh starts, a journal, and figures.
type small struct {
	dir    string
	shared bool // the policy is its own critic
	lora   bool // the policy is an adapter
	config ppo.Config
	rubric reward.Rubric
	tell   func(moment string)
}

func newSmall(dir string, iterations int) *small {
	s := &small{dir: dir, tell: func(string) {}, config: ppo.Config{Iterations: iterations, RolloutBatch: 6, MiniBatch: 4, Seed: 5, Lambda: 0.9}}
	s.rubric = reward.Rubric{
		{Name: "c", Weight: 1, Func: func(_ context.Context, a coat.Attempt) (float64, error) {
			return float64(strings.Count(a.Text, "c")), nil
		}},
		{Name: "length", Weight: -0.1, Func: reward.Length},
		{Name: "told", Batch: func(_ context.Context, list []coat.Attempt) ([]float64, error) {
			s.tell("sampled")
			return make([]float64, len(list)), nil
		}},
	}
	return s
}

func (s *small) actor() ppo.ActorConfig {
	return ppo.ActorConfig{Template: coat.Bare, MaxTokens: 8, Temperature: 0.8, PolicyRate: 1e-2, CriticRate: 1e-2, ValueCoef: 0.1}
}

func (s *small) path(name string) string { return filepath.Join(s.dir, name) }

func (s *small) open(keep int) (*ppo.Run, error) {
	return ppo.OpenRun(s.path("run"), ppo.RunConfig{
		Keep: keep, Journal: s.path("journal.jsonl"), Rubric: s.rubric, Verdict: func(x ppo.Sample) coat.Outcome { return verdict(x) },
	})
}

func verdict(s ppo.Sample) coat.Outcome {
	if s.Score.Total > 0 {
		return coat.Right
	}
	return coat.Wrong
}

func smallModel(b model.Backend) (*model.LM, error) {
	tok, err := tokenizer.NewWordLevel(strings.Fields("<pad> <eos> a b c d"), coat.Actions{}.Tokens())
	if err != nil {
		return nil, err
	}
	net, err := model.NewNet(b, model.Config{VocabSize: tok.Len(), Dim: 16, IntermediateSize: 32, Layers: 1, Heads: 2, MaxPositions: 64, Tied: true, InitRange: 0.3, EOS: 1}, 7)
	if err != nil {
		return nil, err
	}
	return model.NewLM(net, tok)
}

// A state is what the caller of a run keeps beside the policy.
type state struct {
	buffer  *rae.Buffer
	mixer   *rae.Mixer
	figures []json.RawMessage
}

func newState() *state {
	b := &rae.Buffer{Config: rae.Config{Capacity: 5, MaxAge: 2, Fits: func(s coat.Start) bool { return len(s.Prefix) < 5 }}}
	return &state{buffer: b, mixer: rae.NewMixer(b, rae.Shares{}, 3)}
}

func (x *state) files() map[string]any {
	return map[string]any{"mixer.json": x.mixer, "figures.json": &x.figures}
}

func (x *state) save(dir string) error {
	for name, v := range x.files() {
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (x *state) load(dir string) error {
	for name, v := range x.files() {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, v); err != nil {
			return err
		}
	}
	return nil
}

// resume is the policy and the state of a checkpoint, or of the beginning.
func (s *small) resume(b model.Backend, last *ppo.Checkpoint) (p *ppo.ActorCritic, x *state, err error) {
	x = newState()
	lm, err := smallModel(b)
	if err != nil {
		return nil, nil, err
	}
	if last != nil {
		if err := x.load(last.Dir); err != nil {
			return nil, nil, err
		}
		if s.lora {
			p, err = last.OpenOver(lm, s.actor())
		} else {
			p, err = last.Open(b, s.actor())
		}
		return p, x, err
	}
	if s.shared {
		if lm, err = lm.WithScalar(ppo.ValueHead, 3); err != nil {
			return nil, nil, err
		}
		p, err = ppo.NewActorCritic(lm, nil, s.actor())
		return p, x, err
	}
	critic := lm.Net.WithScore(3)
	if s.lora {
		if lm, err = lm.WithLoRA(model.LoRA{Rank: 2, Seed: 4}); err != nil {
			return nil, nil, err
		}
	}
	p, err = ppo.NewActorCritic(lm, critic, s.actor())
	return p, x, err
}

// iterations is the loop, without saving.
func (s *small) iterations(ctx context.Context, p ppo.Policy, rubric reward.Rubric, x *state, c ppo.Config, each func(ppo.Step) error) error {
	var problems []coat.Problem
	for _, start := range tinyStarts() {
		problems = append(problems, start.Problem)
	}
	starts := ppo.After(c.Done*c.RolloutBatch, x.mixer.Starts(ppo.Cycle(problems, 1)))
	trainer := ppo.Trainer{Policy: p, Rubric: rubric, Config: c}
	for step, err := range trainer.Train(ctx, starts) {
		if err != nil {
			return err
		}
		s.tell("trained")
		for i, y := range step.Samples {
			judged := coat.Judged{Attempt: y.Attempt, Outcome: verdict(y)}
			if _, err := x.buffer.Add(judged, rand.New(rand.NewPCG(uint64(step.Iteration), uint64(i)))); err != nil {
				return err
			}
		}
		x.buffer.Age()
		bare := step
		bare.Samples = nil
		line, err := json.Marshal(bare)
		if err != nil {
			return err
		}
		x.figures = append(x.figures, line)
		if err := each(step); err != nil {
			return err
		}
	}
	return nil
}

// errUntil ends a run after an iteration.
var errUntil = errors.New("until here")

// train begins or goes on, and at the end writes final and figures.json; at the end of
// the iteration until it stops instead.
func (s *small) train(ctx context.Context, b model.Backend, keep, until int) (err error) {
	run, err := s.open(keep)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	config, err := run.Resume(s.config)
	if err != nil {
		return err
	}
	policy, x, err := s.resume(b, run.Last)
	if err != nil {
		return err
	}
	defer policy.Close()
	err = s.iterations(ctx, policy, s.rubric, x, config, func(step ppo.Step) error {
		moment := func(name string) func(string) error {
			return func(string) error { s.tell(name); return nil }
		}
		if err := run.Save(config, step, moment("saving"), policy.SaveIn, moment("weights saved"), x.save, moment("all saved")); err != nil {
			return err
		}
		s.tell("renamed")
		if step.Iteration == until {
			return errUntil
		}
		return nil
	})
	if errors.Is(err, errUntil) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := policy.Save(s.path("final")); err != nil {
		return err
	}
	return x.save(s.dir)
}
