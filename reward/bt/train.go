package bt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/train"
	"github.com/satori-go/satori/reward"
)

// A Config says how to train.
type Config struct {
	LearningRate float64 // peak; the paper's 2e-6 is for 7B parameters
	Epochs       int     // 0: 2, the paper's
	Batch        int     // pairs an update; 0: 128, the paper's
	Margin       float64 // τ; 0: 2, the paper's. [NoMargin] trains without
	// HeldOut is the share of the pairs kept apart for Accuracy, Mean and Std; 0: 0.1. Whole
	// problems are kept apart, so that it may be a little more, and none that has more pairs
	// than that by itself; where there are fewer than ten problems, none.
	HeldOut float64
	// Problems are attempts with verdicts, several a problem, at problems that no pair is of:
	// the paper has 8 of the format-tuned policy. RM@n on them chooses the weights that
	// Train ends with, of those measured after every Every updates and after the last one
	// (of equal ones the last). None: the last weights.
	Problems []coat.Judged `json:"-"`
	Every    int           `json:",omitempty"` // 0: so that there are about ten measurements
	// WarmupRatio is the share of the updates in which the learning rate rises; default 0.03, as in
	// the paper's scripts.
	WarmupRatio train.Fraction `json:"Warmup"`
	MinLRRatio  train.Fraction `json:"Floor"` // the last learning rate as a share of the peak; default 0.1, as there
	AdamW       model.AdamW    // its zero value is the paper's scripts'
	Seed        uint64         // of the head and the order
}

// NoMargin turns the margin off: the smallest number over 0, since 0 selects the default.
const NoMargin = math.SmallestNonzeroFloat64

// A Step is one update.
type Step struct {
	Step, Of int     // counted from 1
	Loss     float64 // nats a pair
	Accuracy float64 // of the batch, chosen above rejected
	Margin   float64 // of the batch: mean of chosen less rejected
	Norm     float64 // of the gradient
	Tokens   int     // trained through, padding not

	Measured bool    // whether RM was
	RM       float64 // RM@n on Config.Problems after this update
}

// Train trains the model on pairs and yields every update. When the last one is done it
// takes the weights that Config.Problems choose, and measures Mean, Std and Accuracy on
// the pairs held out. If the caller leaves the loop, the model keeps its last weights, and
// Mean, Std and Accuracy stay as they were.
//
// synth.Pairs makes the pairs: one a problem, as the size of the paper's set suggests, or
// any number, up to all.
func (m *Model) Train(ctx context.Context, pairs []reward.Pair, c Config) iter.Seq2[Step, error] {
	c.Epochs, c.Batch, c.Margin = cmp.Or(c.Epochs, 2), cmp.Or(c.Batch, 128), cmp.Or(c.Margin, 2)
	c.HeldOut = cmp.Or(c.HeldOut, 0.1)
	c.WarmupRatio, c.MinLRRatio = c.WarmupRatio.Or(0.03), c.MinLRRatio.Or(0.1)
	return func(yield func(Step, error) bool) {
		if err := m.train(ctx, pairs, c, func(s Step) bool { return yield(s, nil) }); err != nil {
			yield(Step{}, fmt.Errorf("bt: %w", err))
		}
	}
}

func (c Config) validate(pairs []reward.Pair) error {
	switch {
	case c.LearningRate <= 0:
		return fmt.Errorf("Config.LearningRate is %g, want it positive", c.LearningRate)
	case c.Epochs < 0 || c.Batch < 0 || c.Every < 0 || c.HeldOut < 0 || c.HeldOut >= 1:
		return fmt.Errorf("Config.Epochs is %d, Batch %d, Every %d, HeldOut %g", c.Epochs, c.Batch, c.Every, c.HeldOut)
	case !c.WarmupRatio.Valid() || !c.MinLRRatio.Valid():
		return fmt.Errorf("Config.WarmupRatio is %v, MinLRRatio %v, want them from 0 to 1", c.WarmupRatio, c.MinLRRatio)
	case len(pairs) == 0:
		return errors.New("there are no pairs")
	}
	trained := map[coat.Problem]bool{}
	for _, p := range pairs {
		trained[p.Chosen.Start.Problem] = true
	}
	for _, a := range c.Problems {
		if p := a.Start.Problem; trained[p] {
			return fmt.Errorf("Config.Problems: there is a pair of problem %q, too", p.ID)
		}
	}
	return nil
}

func (m *Model) train(ctx context.Context, list []reward.Pair, c Config, yield func(Step) bool) error {
	if err := c.validate(list); err != nil {
		return err
	}
	pairs := make([]pair, len(list))
	for i, p := range list {
		for k, a := range []coat.Attempt{p.Chosen, p.Rejected} {
			ids, err := m.encode(a)
			if err != nil {
				return err
			}
			pairs[i][k] = ids
		}
	}
	chooser, err := m.newChooser(c.Problems)
	if err != nil {
		return err
	}
	defer chooser.close()
	rng := rand.New(rand.NewPCG(c.Seed, 0x6274)) // "bt"
	pairs, test := holdOut(list, pairs, int(math.Ceil(c.HeldOut*float64(len(list)))), rng)
	if len(pairs) == 0 {
		return fmt.Errorf("Config.HeldOut is %g: it keeps all %d pairs apart, and none is left to train on", c.HeldOut, len(list))
	}

	learner := train.NewLearner(m.Net, loss(c.Margin), c.AdamW)
	defer learner.Close()
	of := c.Epochs * ((len(pairs) + c.Batch - 1) / c.Batch)
	every := cmp.Or(c.Every, (of+9)/10)
	schedule := train.Schedule{Peak: c.LearningRate, WarmupRatio: c.WarmupRatio.Value(), MinLRRatio: c.MinLRRatio.Value()}
	for range c.Epochs {
		rng.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		for batch := range slices.Chunk(pairs, c.Batch) {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			step := learner.Steps()
			stat, err := learner.Step(pack(batch, c.Batch), schedule.Rate(step, of))
			if err != nil {
				return err
			}
			if stat.Diverged {
				return fmt.Errorf("step %d: the gradient is not finite; a lower LearningRate than %g may help", step+1, c.LearningRate)
			}
			s := Step{Step: step + 1, Of: of, Loss: stat.Loss, Accuracy: stat.Stats[0], Margin: stat.Stats[1], Norm: stat.GradNorm, Tokens: stat.Tokens}
			if len(c.Problems) > 0 && (s.Step%every == 0 || s.Step == of) {
				if s.RM, err = chooser.measure(ctx, m); err != nil {
					return err
				}
				s.Measured = true
			}
			if !yield(s) {
				return nil
			}
		}
	}
	chooser.choose(m)
	return m.measure(ctx, test)
}

// fewProblems is how many problems are too few to hold any of them out.
const fewProblems = 10

// holdOut sets the pairs of random problems apart until there are n of them. A problem is
// either trained on or held out. A problem with more than n pairs is not held out, unless
// all have more. With few problems none is held out, and the model is measured on all.
func holdOut(list []reward.Pair, pairs []pair, n int, rng *rand.Rand) (train, test []pair) {
	byProblem := map[coat.Problem][]pair{}
	var problems []coat.Problem
	for i, p := range list {
		key := p.Chosen.Start.Problem
		if byProblem[key] == nil {
			problems = append(problems, key)
		}
		byProblem[key] = append(byProblem[key], pairs[i])
	}
	rng.Shuffle(len(problems), func(i, j int) { problems[i], problems[j] = problems[j], problems[i] })
	if len(problems) < fewProblems {
		return pairs, pairs
	}
	fits := func(p coat.Problem) bool { return len(byProblem[p]) <= n }
	none := !slices.ContainsFunc(problems, fits)
	for _, p := range problems {
		if len(test) < n && (none || fits(p)) {
			test = append(test, byProblem[p]...)
		} else {
			train = append(train, byProblem[p]...)
		}
	}
	return train, test
}

// measure sets Mean, Std and Accuracy.
func (m *Model) measure(ctx context.Context, pairs []pair) error {
	var rows [][]int32
	for _, p := range pairs {
		rows = append(rows, p[0], p[1])
	}
	scores, err := m.scores(ctx, rows)
	if err != nil {
		return err
	}
	right, sum, squares := 0, 0.0, 0.0
	for i, s := range scores {
		sum += s
		squares += s * s
		if i%2 == 1 && scores[i-1] > s {
			right++
		}
	}
	n := float64(len(scores))
	m.Mean = sum / n
	m.Std = math.Sqrt(max(squares/n-m.Mean*m.Mean, 1e-12))
	m.Accuracy, m.Pairs = float64(right)/float64(len(pairs)), len(pairs)
	return nil
}
