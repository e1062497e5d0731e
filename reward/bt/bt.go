// Package bt is the outcome reward model of the paper (appendix D.3): a language
// model's trunk with one scalar on the last token, trained on pairs of attempts at the
// same problem of which one is right, by the Bradley-Terry loss with a margin:
//
//	L = −E log σ(r(x, y⁺) − r(x, y⁻) − τ),  τ = 2
//
// Such a loss does not fix the scores' origin, and σ of them saturates. As in the
// paper's scripts, scores are therefore normalised to mean 0 and deviation 1 over
// pairs that were not trained on; the text of the paper does not mention it. The two
// figures are kept with the weights.
//
// [New] makes a [Model] from a language model, [Model.Train] trains it and yields a
// [Step] for each update, [Model.Reward] is the term of a rubric, and [Model.Save] and
// [Open] keep it as a Hugging Face directory with a reward.json beside the weights. Its
// trunk and head, [Model].Net, are what PPO's critic starts from.
package bt

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/reward"
)

// A Config says how to train.
type Config struct {
	LearningRate float64 // peak; the paper's 2e-6 is for 7B parameters
	Epochs       int     // 0: 2, the paper's
	Batch        int     // pairs an update; 0: 128, the paper's
	Margin       float64 // τ; 0: 2, the paper's. [NoMargin] trains without
	// HeldOut is the share of the pairs kept apart for Accuracy, Mean and Std; 0: 0.1. Whole
	// problems are kept apart; where there are fewer than ten of them, none.
	HeldOut float64
	Warmup  float64     // share of the updates; 0: 0.03, as in the paper's scripts
	Floor   float64     // the last rate as a share of the peak; 0: 0.1, as there
	AdamW   model.AdamW // its zero value is the paper's scripts'
	Seed    uint64      // of the head and the order
}

// NoMargin is a margin that is 0 for all purposes.
const NoMargin = math.SmallestNonzeroFloat64

// A Step is one update.
type Step struct {
	Step, Of int     // counted from 1
	Loss     float64 // nats a pair
	Accuracy float64 // of the batch, chosen above rejected
	Norm     float64 // of the gradient
	Tokens   int     // trained through, padding not
}

// A Model scores attempts. Its trunk can be what a critic starts from.
type Model struct {
	Net *model.Net
	// Mean and Std of the scores on held-out pairs. Attempts are scored as (score − Mean)/Std.
	Mean, Std float64
	Accuracy  float64 // on held-out pairs: how often the right attempt has the higher score
	Pairs     int     // held out

	lm       *model.LM // encodes
	template coat.Template
}

// New puts a fresh scalar head on a copy of the trunk of m. The zero scores of an
// untrained model have Mean 0 and Std 1.
func New(m *model.LM, t coat.Template, seed uint64) *Model {
	return &Model{Net: m.WithScore(seed), Std: 1, lm: m, template: t}
}

// pair is an encoded pair: chosen, then rejected.
type pair [2][]int32

// Train trains the model on pairs, yields every update, and measures Mean, Std and
// Accuracy on the pairs held out when the last update is done. Breaking off the loop
// leaves them unmeasured.
func (m *Model) Train(ctx context.Context, pairs []reward.Pair, c Config) iter.Seq2[Step, error] {
	c.Epochs, c.Batch, c.Margin = cmp.Or(c.Epochs, 2), cmp.Or(c.Batch, 128), cmp.Or(c.Margin, 2)
	c.HeldOut, c.Warmup, c.Floor = cmp.Or(c.HeldOut, 0.1), cmp.Or(c.Warmup, 0.03), cmp.Or(c.Floor, 0.1)
	return func(yield func(Step, error) bool) {
		if err := m.train(ctx, pairs, c, func(s Step) bool { return yield(s, nil) }); err != nil {
			yield(Step{}, fmt.Errorf("bt: %w", err))
		}
	}
}

func (m *Model) train(ctx context.Context, list []reward.Pair, c Config, yield func(Step) bool) error {
	held := int(math.Ceil(c.HeldOut * float64(len(list))))
	switch {
	case c.LearningRate <= 0:
		return fmt.Errorf("Config.LearningRate is %g, want it positive", c.LearningRate)
	case c.Epochs < 0 || c.Batch < 0 || c.HeldOut < 0 || c.HeldOut >= 1:
		return fmt.Errorf("Config.Epochs is %d, Batch %d, HeldOut %g", c.Epochs, c.Batch, c.HeldOut)
	case len(list) == 0:
		return errors.New("there are no pairs")
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
	rng := rand.New(rand.NewPCG(c.Seed, 0x6274)) // "bt"
	pairs, test := holdOut(list, pairs, held, rng)

	learner := model.NewLearner(m.Net, loss(c.Margin), c.AdamW)
	defer learner.Close()
	of := c.Epochs * ((len(pairs) + c.Batch - 1) / c.Batch)
	warmup := int(math.Ceil(c.Warmup * float64(of)))
	for range c.Epochs {
		rng.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		for batch := range slices.Chunk(pairs, c.Batch) {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			step := learner.Steps()
			inputs, tokens := pack(batch, model.Micro(2*c.Batch)/2)
			stat, err := learner.Step(inputs, model.Cosine(c.LearningRate, step, warmup, of, c.Floor))
			if err != nil {
				return err
			}
			if stat.Diverged {
				return fmt.Errorf("step %d: the gradient is not finite; a lower LearningRate than %g may help", step+1, c.LearningRate)
			}
			s := Step{Step: step + 1, Of: of, Loss: stat.Loss, Accuracy: stat.Stats[0], Norm: stat.Norm, Tokens: tokens}
			if !yield(s) {
				return nil
			}
		}
	}
	return m.measure(ctx, test)
}

// fewProblems is how many problems are too few to hold any of them out.
const fewProblems = 10

// holdOut sets the pairs of random problems apart until there are n of them: no problem
// stands on both sides. Of few problems none is held out, and all are measured on.
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
	for _, p := range problems {
		if len(test) < n {
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

// scores are the raw scores of rows: at their last token.
func (m *Model) scores(ctx context.Context, rows [][]int32) ([]float64, error) {
	all, err := m.Net.Scores(ctx, rows)
	if err != nil {
		return nil, err
	}
	last := make([]float64, len(rows))
	for i, s := range all {
		last[i] = float64(s[len(s)-1])
	}
	return last, nil
}

// Score scores attempts together: (score − Mean)/Std. A truncated attempt is scored as
// if it had ended, with an EOS that its policy did not write, as in the paper's code.
func (m *Model) Score(ctx context.Context, attempts []coat.Attempt) ([]float64, error) {
	rows := make([][]int32, len(attempts))
	for i, a := range attempts {
		ids, err := m.encode(a)
		if err != nil {
			return nil, fmt.Errorf("bt: %w", err)
		}
		rows[i] = ids
	}
	scores, err := m.scores(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("bt: %w", err)
	}
	for i := range scores {
		scores[i] = (scores[i] - m.Mean) / m.Std
	}
	return scores, nil
}

// Reward is σ of [Model.Score], the preference term of the paper's reward. It is a
// [reward.Batch].
func (m *Model) Reward(ctx context.Context, attempts []coat.Attempt) ([]float64, error) {
	scores, err := m.Score(ctx, attempts)
	for i, s := range scores {
		scores[i] = 1 / (1 + math.Exp(-s))
	}
	return scores, err
}

// encode is an attempt with its end written. Where the model has no position left for
// that, it goes without.
func (m *Model) encode(a coat.Attempt) ([]int32, error) {
	a.Truncated = false
	ids, _, err := m.lm.Encode(m.template, a)
	if limit := m.Net.Config.MaxPositions; err == nil && len(ids) == limit+1 {
		ids = ids[:limit]
	}
	return ids, err
}

// pack makes pairs into the inputs of loss, pairs of about the same length together:
// chosen rows, then rejected ones.
func pack(batch []pair, micro int) (inputs [][]*model.Tensor, tokens int) {
	lengths := make([]int, len(batch))
	for i, p := range batch {
		lengths[i] = max(len(p[0]), len(p[1]))
	}
	for _, part := range model.Groups(lengths, micro) {
		ids, last, real := make([][]int32, 2*micro), make([]int32, 2*micro), make([]float32, micro)
		longest := 0
		for i, at := range part {
			real[i] = 1
			for k, row := range batch[at] {
				ids[i+k*micro] = row
				last[i+k*micro] = int32(len(row) - 1)
				longest = max(longest, len(row))
				tokens += len(row)
			}
		}
		width := model.Width(longest)
		inputs = append(inputs, []*model.Tensor{
			model.Ints(model.PadRows(ids, width), 2*micro, width),
			model.Ints(last, 2*micro), model.Floats(real, micro), model.Floats([]float32{float32(len(batch))}),
		})
	}
	return inputs, tokens
}

// loss builds the loss of a micro-batch of pairs.
//
//	tokens [2·pairs, seq] int32, last [2·pairs] int32, real [pairs] (0 for padding), count []
func loss(margin float64) model.Loss {
	return func(c model.Config, w model.Weights, in []*Node) (*Node, *Node) {
		tokens, last, real, count := in[0], in[1], in[2], in[3]
		rows, seq := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
		scores := c.Scores(w, c.Hidden(w, tokens)) // [2·pairs, seq]
		row := Iota(tokens.Graph(), last.Shape(), 0)
		at := ExpandAxes(Add(MulScalar(row, seq), last), -1)
		ends := Gather(Reshape(scores, rows*seq), at) // [2·pairs]
		chosen, rejected := Slice(ends, AxisRange(0, rows/2)), Slice(ends, AxisRange(rows/2))
		total := Div(ReduceAllSum(Mul(Loss(chosen, rejected, margin), real)), count)
		right := Mul(ConvertDType(GreaterThan(chosen, rejected), real.DType()), real)
		return total, Reshape(Div(ReduceAllSum(right), count), 1)
	}
}

// Loss is the Bradley-Terry loss of each pair: −log σ(chosen − rejected − margin), as
// softplus, which does not overflow.
//
//	chosen, rejected [pairs] → [pairs]
func Loss(chosen, rejected *Node, margin float64) *Node {
	chosen.AssertDims(rejected.Shape().Dimensions...)
	d := AddScalar(Sub(rejected, chosen), margin)
	return Add(MaxScalar(d, 0.0), Log1P(Exp(Neg(Abs(d)))))
}

// state is reward.json.
type state struct {
	Mean     float64 `json:"mean"`
	Std      float64 `json:"std"`
	Accuracy float64 `json:"accuracy"`
	Pairs    int     `json:"pairs"`
}

const stateFile = "reward.json"

// Save writes a Hugging Face directory (…ForSequenceClassification) and reward.json.
func (m *Model) Save(dir string, extra ...func(dir string) error) error {
	return m.Net.Save(dir, append(extra, func(tmp string) error {
		data, err := json.MarshalIndent(state{m.Mean, m.Std, m.Accuracy, m.Pairs}, "", "  ")
		if err != nil {
			return err
		}
		return errors.Join(m.lm.Tokenizer().Save(filepath.Join(tmp, "tokenizer.json")),
			os.WriteFile(filepath.Join(tmp, stateFile), append(data, '\n'), 0o644))
	})...)
}

// Open reads what Save wrote. The language model, whose tokenizer it uses, and the
// template have to be those it was trained with.
func Open(m *model.LM, t coat.Template, dir string) (*Model, error) {
	net, err := model.OpenNet(m.Backend(), dir)
	if err != nil {
		return nil, fmt.Errorf("bt: %w", err)
	}
	if !net.Config.Score {
		return nil, fmt.Errorf("bt: %s is a language model, not a reward model", dir)
	}
	path := filepath.Join(dir, stateFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("bt: %w", err)
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("bt: %s: %w", path, err)
	}
	if s.Std <= 0 {
		return nil, fmt.Errorf("bt: %s: field \"std\" is %g, want it positive", path, s.Std)
	}
	return &Model{Net: net, Mean: s.Mean, Std: s.Std, Accuracy: s.Accuracy, Pairs: s.Pairs, lm: m, template: t}, nil
}
