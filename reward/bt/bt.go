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
// The checkpoint with the highest RM@n on problems of its own is the one that is kept, as
// in the paper, where [Config].Problems has some.
//
// The paper says that a margin improves the model, without numbers. On 200 path-star
// problems with 8 attempts each of a format-tuned policy (pass@1 51.3 %, maj@8 57.9 %,
// pass@8 91.5 %), after 289 pairs of other problems, one each, and three seeds, it makes
// no difference (TestMarginTable; a standard error is 3 points):
//
//	τ   RM@8 by seed             mean     pairs in order
//	0   79.5 %  80.0 %  79.5 %   79.7 %   92.0 %
//	2   79.5 %  81.0 %  79.0 %   79.8 %   90.8 %
//
// [New] makes a [Model] from a language model, [Model.Train] trains it and yields a
// [Step] for each update, and [Model.Score] scores attempts. [reward.Sigmoid] of it is the
// preference term of the paper's reward. [Model.Save] and [Open] keep it as a Hugging Face
// directory with a reward.json beside the weights. PPO's critic starts from its trunk and head,
// [Model].Net.
package bt

import (
	"context"
	"fmt"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
)

// A Model scores attempts. Its trunk can be what a critic starts from.
type Model struct {
	// Net is the trunk and its head. Train may put another in its place.
	Net *model.Net
	// Mean and Std of the scores on held-out pairs. Attempts are scored as (score − Mean)/Std.
	Mean, Std float64
	Accuracy  float64 // on held-out pairs: how often the right attempt has the higher score
	Pairs     int     // held out
	RM        float64 // RM@n of these weights on Config.Problems
	Problems  int     // of those; 0: RM was not measured

	lm       *model.LM // encodes
	template coat.Template
}

// New makes a reward model from the layers of m, which it copies, and a fresh head. The zero scores of an
// untrained model have Mean 0 and Std 1.
func New(m *model.LM, t coat.Template, seed uint64) (*Model, error) {
	net, err := m.Net.WithHeads(seed, decoder.HeadScore)
	if err != nil {
		return nil, fmt.Errorf("bt: %w", err)
	}
	return &Model{Net: net, Std: 1, lm: m, template: t}, nil
}

// scores are the raw scores of rows: at their last token.
func (m *Model) scores(ctx context.Context, rows [][]int32) ([]float64, error) {
	all, err := m.Net.Scores(ctx, decoder.HeadScore, rows)
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

// slack is how many tokens more than it was sampled with a text can come to: the EOS, and
// those of a character that a token limit has cut in two.
const slack = 4

// encode is an attempt with its end written; without, where the model has no more positions.
func (m *Model) encode(a coat.Attempt) ([]int32, error) {
	a.Truncated = false
	ids, _, err := m.lm.Encode(m.template, a)
	if err != nil {
		return nil, err
	}
	limit := m.Net.Config.MaxPositions
	if len(ids) > limit+slack {
		return nil, fmt.Errorf("problem %q: the attempt has %d tokens, the model room for %d", a.Start.Problem.ID, len(ids), limit)
	}
	return ids[:min(len(ids), limit)], nil
}
