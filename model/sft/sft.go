// Package sft trains a language model to write demonstrations: supervised fine-tuning, or
// imitation. Format tuning (paper, appendix D.2), distillation into the base model (D.3) and the
// exercises of a small base model use the same loop.
//
// [Train] takes demonstrations, a [Config] and a model, which it changes in place, and yields a
// [Step] for each update. The caller saves the model.
//
// The loss is the cross entropy of the response with its EOS. The prompt is context and has no
// loss. The loss of a batch is the mean over its response tokens, whatever the lengths of the
// rows.
//
// The defaults of [Config] are the settings that the paper used with LLaMA-Factory. There are two
// differences: a batch has demonstrations of about the same length here, which needs little
// padding, and the prompt has no loss.
package sft

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/train"
)

// A Config says how [Train] trains.
type Config struct {
	LearningRate float64 // the highest; the paper's 2e-5 is for 7B parameters, small models need 1e-3 and more
	Epochs       int     // passes over the demonstrations; 0: 1, and the paper has at most 2
	Batch        int     // demonstrations an update; 0: 128, the paper's
	// WarmupRatio is the share of the updates in which the learning rate rises; default 0.03, as in
	// the paper's scripts. The first update has the rate 0, unless it is train.Frac(0).
	WarmupRatio train.Fraction `json:"Warmup"`
	MinLRRatio  train.Fraction `json:"Floor"` // the last learning rate as a share of the highest; default 0.1, as there
	AdamW       model.AdamW    // its zero value is the paper's scripts'
	Seed        uint64         // of the order of the demonstrations
	MaxTokens   int            // a longer demonstration is an error; 0: the model's positions
	// Curriculum keeps the order of the demonstrations, which should have the easy ones first. Only
	// those within a few batches of each other are mixed.
	Curriculum bool
}

// A Step reports one update.
type Step struct {
	Step, Of int     // counted from 1
	Loss     float64 // of the batch, in nats a response token
	Norm     float64 // of the gradient
	Rate     float64 // the learning rate
	Tokens   int     // of the batch, with prompts and without padding
	// Skipped counts the updates so far whose gradient was not finite. Such an update does not
	// change the weights. Three in a row are an error.
	Skipped int
}

// maxSkipped is the number of skipped updates in a row that ends training.
const maxSkipped = 3

// A row is an encoded demonstration.
type row struct {
	ids    []int32
	prompt int // how many of them are the prompt
}

// Train trains the model on the demonstrations, in random order, and yields a [Step] after each
// update. It changes the model in place. An error is the last thing that it yields.
func Train(ctx context.Context, m *model.LM, t coat.Template, demos []coat.Demo, c Config) iter.Seq2[Step, error] {
	c.Epochs, c.Batch = cmp.Or(c.Epochs, 1), cmp.Or(c.Batch, 128)
	c.WarmupRatio, c.MinLRRatio = c.WarmupRatio.Or(0.03), c.MinLRRatio.Or(0.1)
	c.MaxTokens = cmp.Or(c.MaxTokens, m.Config.MaxPositions)
	return func(yield func(Step, error) bool) {
		if err := c.train(ctx, m, t, demos, func(s Step) bool { return yield(s, nil) }); err != nil {
			yield(Step{}, fmt.Errorf("sft: %w", err))
		}
	}
}

func (c Config) train(ctx context.Context, m *model.LM, t coat.Template, demos []coat.Demo, yield func(Step) bool) error {
	if err := c.validate(demos); err != nil {
		return err
	}
	rows, err := c.encode(m, t, demos)
	if err != nil {
		return err
	}
	learner := train.NewLearner(m.Net, train.Loss{Build: loss, Key: key{}}, c.AdamW)
	defer learner.Close()
	rng := rand.New(rand.NewPCG(c.Seed, 0x736674))
	of := c.Epochs * ((len(rows) + c.Batch - 1) / c.Batch)
	schedule := train.Schedule{Peak: c.LearningRate, WarmupRatio: c.WarmupRatio.Value(), MinLRRatio: c.MinLRRatio.Value()}
	step, inRow := 0, 0
	for range c.Epochs {
		for _, batch := range c.batches(rows, rng) {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			rate := schedule.Rate(step, of)
			stat, err := learner.Step(c.pack(batch), rate)
			if err != nil {
				return err
			}
			step++
			if inRow++; !stat.Diverged {
				inRow = 0
			}
			if inRow == maxSkipped {
				return fmt.Errorf("step %d: the gradient is not finite, %d times in a row; a lower LearningRate than %g may help", step, inRow, c.LearningRate)
			}
			if !yield(Step{Step: step, Of: of, Loss: stat.Loss, Norm: stat.GradNorm, Rate: rate, Tokens: stat.Tokens, Skipped: learner.Skipped()}) {
				return nil
			}
		}
	}
	return nil
}

func (c Config) validate(demos []coat.Demo) error {
	var faults []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	need(len(demos) > 0, "there are no demonstrations")
	need(c.LearningRate > 0, "Config.LearningRate is %g, want it positive", c.LearningRate)
	need(c.Epochs > 0, "Config.Epochs is %d", c.Epochs)
	need(c.Batch > 0, "Config.Batch is %d", c.Batch)
	need(c.WarmupRatio.Valid() && c.MinLRRatio.Valid(), "Config.WarmupRatio is %v, MinLRRatio %v, want them from 0 to 1", c.WarmupRatio, c.MinLRRatio)
	return errors.Join(faults...)
}

func (c Config) encode(m *model.LM, t coat.Template, demos []coat.Demo) ([]row, error) {
	rows := make([]row, len(demos))
	for i, d := range demos {
		ids, prompt, err := m.Encode(t, coat.Attempt{Start: coat.Start{Problem: d.Problem}, Text: d.Trace.String()})
		if err != nil {
			return nil, err
		}
		if len(ids) > c.MaxTokens {
			return nil, fmt.Errorf("problem %q: demonstration of %d tokens, at most %d fit", d.Problem.ID, len(ids), c.MaxTokens)
		}
		rows[i] = row{ids, prompt}
	}
	return rows, nil
}

// sortAhead is how many batches are sorted by length together: rows of one batch are
// then about equally long, and still any two rows can meet.
const sortAhead = 8

// batches shuffles rows and cuts them into batches, the last one smaller.
func (c Config) batches(rows []row, rng *rand.Rand) [][]row {
	rows = slices.Clone(rows)
	if !c.Curriculum {
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
	var all [][]row
	for part := range slices.Chunk(rows, c.Batch*sortAhead) {
		slices.SortStableFunc(part, func(a, b row) int { return cmp.Compare(len(a.ids), len(b.ids)) })
		some := slices.Collect(slices.Chunk(part, c.Batch))
		rng.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		all = append(all, some...)
	}
	return all
}

// pack makes the batch of the loss: a mask of the response's tokens, and their count.
func (c Config) pack(rows []row) train.Batch {
	b := train.Batch{Full: c.Batch}
	count := 0
	for _, r := range rows {
		mask := make([]float32, len(r.ids)-r.prompt)
		for k := range mask {
			mask[k] = 1
		}
		count += len(mask)
		b.Rows = append(b.Rows, train.Row{IDs: r.ids, Columns: [][]float32{mask}})
	}
	b.Scalars = []float32{float32(count)}
	return b
}

// key is the key of the loss, which depends on nothing.
type key struct{}

// loss builds the mean cross entropy of the response's tokens, −Σ mask·log p / count.
//
//	tokens [batch, seq] int32, mask [batch, seq] (1 for a response token), count [] of the whole batch
func loss(d decoder.Decoder, in []*Node) train.Terms {
	tokens, mask, count := in[0], in[1], in[2]
	tokens.AssertRank(2)
	mask.AssertDims(tokens.Shape().Dimensions...)
	count.AssertDims()
	logp, _ := d.LogProbs(d.Hidden(tokens), tokens, nil) // [batch, seq]
	return train.Terms{Loss: Neg(Div(ReduceAllSum(Mul(logp, mask)), count))}
}
