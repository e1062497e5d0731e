package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/tokenizer"
	"github.com/satori-go/satori/ppo"
	"github.com/satori-go/satori/ppo/actor"
	"github.com/satori-go/satori/ppo/run"
	"github.com/satori-go/satori/rae"
	"github.com/satori-go/satori/reward"
)

var _ run.Policy = (*actor.Policy)(nil)

// A small is a run with everything that has to continue: two optimisers, an online buffer
// of restarts mixed with fresh starts, a rollout log, and figures.
type small struct {
	dir    string
	shared bool // the policy is its own critic
	lora   bool // the policy is an adapter
	config ppo.Config
	rubric reward.Rubric
	stream func(x *state) iter.Seq[coat.Start] // nil: that of the mixer, which is attached
	tell   func(moment string)
}

func newSmall(dir string, iterations int) *small {
	s := &small{dir: dir, tell: func(string) {}, config: ppo.Config{Iterations: iterations, RolloutBatch: 6, MiniBatch: 4, Seed: 5, Lambda: ppo.Frac(0.9)}}
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

// check calls an attempt right whose score is positive.
func check(ctx context.Context, a coat.Attempt) (float64, error) {
	length, err := reward.Length(ctx, a)
	if err != nil || float64(strings.Count(a.Text, "c")) <= 0.1*length {
		return 0, err
	}
	return 1, nil
}

func (s *small) actor() actor.Config {
	return actor.Config{Template: coat.Bare, MaxTokens: 8, Temperature: 0.8, PolicyRate: 1e-2, CriticRate: 1e-2, ValueCoef: 0.1}
}

func (s *small) path(name string) string { return filepath.Join(s.dir, name) }

// eachBackend runs a test on both backends, or on the one that GOMLX_BACKEND names.
func eachBackend(t *testing.T, test func(t *testing.T, b model.Backend)) {
	for _, name := range []string{"go", "xla"} {
		if one := os.Getenv("GOMLX_BACKEND"); one != "" && one != "auto" && !strings.HasPrefix(one, name) {
			continue
		}
		b, err := model.OpenBackend(name)
		if err != nil {
			t.Logf("%s is not tested: %v", name, err)
			continue
		}
		t.Run(name, func(t *testing.T) { test(t, b) })
	}
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

func problems() (list []coat.Problem) {
	for _, q := range []string{"a b", "c", "b c d a", "d d"} {
		list = append(list, coat.Problem{ID: q, Question: q})
	}
	return list
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

// save writes the state into the directory of results.
func (x *state) save(dir string) error {
	for name, v := range map[string]any{"mixer.json": x.mixer, "figures.json": &x.figures} {
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

// policy makes the policy of a run that begins.
func (s *small) policy(b model.Backend) (*actor.Policy, error) {
	lm, err := smallModel(b)
	if err != nil {
		return nil, err
	}
	if s.shared {
		if lm, err = lm.WithHeads(3, decoder.HeadLM, actor.ValueHead); err != nil {
			return nil, err
		}
		return actor.New(lm, nil, s.actor())
	}
	critic, err := lm.Net.WithHeads(3, decoder.HeadScore)
	if err != nil {
		return nil, err
	}
	if s.lora {
		if lm, err = lm.WithLoRA(model.LoRA{Rank: 2, Seed: 4}); err != nil {
			return nil, err
		}
	}
	return actor.New(lm, critic, s.actor())
}

// A telling policy says where a run is.
type telling struct {
	*actor.Policy
	tell  func(string)
	saved bool
}

func (p *telling) Rollouts(ctx context.Context, starts []coat.Start, seed uint64) ([]ppo.Rollout, error) {
	if p.saved { // by an iteration of this process
		p.tell("renamed")
	}
	return p.Policy.Rollouts(ctx, starts, seed)
}

func (p *telling) Save(dir string) error {
	p.tell("saving")
	err := p.Policy.Save(dir)
	p.tell("weights saved")
	p.saved = true
	return err
}

// A note is an attached value that says when it is saved.
type note struct{ tell func(string) }

func (n *note) MarshalJSON() ([]byte, error) { n.tell("all saved"); return []byte("{}"), nil }
func (*note) UnmarshalJSON([]byte) error     { return nil }

// run is the run over a policy.
func (s *small) run(p *actor.Policy, x *state, keep int) *run.Run {
	attach := map[string]any{"figures": &x.figures, "note": &note{s.tell}}
	if s.stream == nil {
		attach["mixer"] = x.mixer // with its buffer
	} else {
		attach["buffer"] = x.buffer
	}
	return &run.Run{
		Dir: s.path("run"), RolloutLog: s.path("journal.jsonl"), Keep: keep, Attach: attach,
		Trainer: ppo.Trainer{Policy: &telling{Policy: p, tell: s.tell}, Rubric: s.rubric, Check: check, Config: s.config},
	}
}

// starts are the run's, from their beginning.
func (s *small) starts(x *state) iter.Seq[coat.Start] {
	if s.stream != nil {
		return s.stream(x)
	}
	return x.mixer.Starts(ppo.Cycle(problems(), 1))
}

// body is the body of the loop.
func (s *small) body(x *state, step ppo.Step) error {
	s.tell("trained")
	for i, y := range step.Samples {
		if _, err := x.buffer.Add(y.Judged(), rand.New(rand.NewPCG(uint64(step.Iteration), uint64(i)))); err != nil {
			return err
		}
	}
	x.buffer.Age()
	bare := step
	bare.Samples = nil
	line, err := json.Marshal(bare)
	x.figures = append(x.figures, line)
	return err
}

// errUntil ends a run after an iteration that is saved.
var errUntil = errors.New("until here")

// train begins or continues, and at the end writes final and figures.json; at the end of
// the iteration until it stops instead.
func (s *small) train(ctx context.Context, b model.Backend, keep, until int) (err error) {
	policy, err := s.policy(b)
	if err != nil {
		return err
	}
	defer policy.Close()
	x := newState()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for step, err := range s.run(policy, x, keep).Train(ctx, s.starts(x)) {
		if errors.Is(err, errUntil) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.body(x, step); err != nil {
			return err
		}
		if step.Iteration == until {
			cancel(errUntil)
		}
	}
	if err := policy.Save(s.path("final")); err != nil {
		return err
	}
	return x.save(s.dir)
}
