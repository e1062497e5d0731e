package network

import (
	"context"
	"errors"
	"fmt"
	"sync"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/buckets"
	"github.com/satori-go/satori/model/internal/device"
)

const (
	// workers is the number of groups of rows that are computed side by side.
	workers = 2
	// scoreRows is the most rows that one call of a graph takes.
	scoreRows = 32
)

// ErrNoLMHead says that a network without a language-model head was asked for tokens.
var ErrNoLMHead = errors.New("the network has a scalar head, and none for tokens")

// Scores runs a head of one number a token over rows of tokens, such as [decoder.HeadScore].
// Entry t of a row is the score of the row up to and with token t, and there are as many entries
// as tokens. A reward model reads the last entry; a critic reads the entry before a token as the
// value of the state in which that token was chosen.
//
// An empty row, a row longer than max_position_embeddings and an id outside the vocabulary are
// errors that name the row, here and in the functions below.
func (n *Net) Scores(ctx context.Context, head string, rows [][]int32) ([][]float32, error) {
	if head == decoder.HeadLM || !n.Config.HasHead(head) {
		return nil, fmt.Errorf("model: Scores: the network has no head %q for scores: its heads are %q", head, n.Config.HeadNames())
	}
	return n.forward(ctx, "head "+head, rows, nil, func(d decoder.Decoder, in []*Node) *Node {
		return d.Head(head, d.Hidden(in[0]))
	})
}

// TokenLogProbs computes the log-probability, in nats, of each token of each row given the tokens
// before it, under the logits divided by a temperature, which has to be positive. Entry t is that
// of token t, and entry 0 is 0.
func (n *Net) TokenLogProbs(ctx context.Context, rows [][]int32, temperature float64) ([][]float32, error) {
	if !(temperature > 0) { // NaN, too
		return nil, fmt.Errorf("model: TokenLogProbs: the temperature is %g, want it positive", temperature)
	}
	if !n.Config.HasHead(decoder.HeadLM) {
		return nil, fmt.Errorf("model: TokenLogProbs: %w", ErrNoLMHead)
	}
	return n.forward(ctx, "log-probs", rows, []float32{float32(temperature)}, func(d decoder.Decoder, in []*Node) *Node {
		logp, _ := d.LogProbs(d.Hidden(in[0]), in[0], Reshape(in[1]))
		return logp
	})
}

// forward runs a graph over padded groups of rows, two groups at a time, and cuts its results
// [batch, seq] to the lengths of the rows.
func (n *Net) forward(
	ctx context.Context, name string, rows [][]int32, scalars []float32, build func(decoder.Decoder, []*Node) *Node,
) ([][]float32, error) {
	config := n.Config
	run := device.Shared.Get(n.backend, config, name, func(in []*Node) []*Node {
		return []*Node{build(config.Bind(in))}
	})

	lengths := make([]int, len(rows))
	for i, r := range rows {
		lengths[i] = len(r)
		if len(r) == 0 || len(r) > config.MaxPositions {
			return nil, fmt.Errorf("model: %s: row %d has %d tokens, want 1 to max_position_embeddings %d", name, i, len(r), config.MaxPositions)
		}
		// A gather would clamp them, and a log-probability be that of another token.
		for t, id := range r {
			if id < 0 || int(id) >= config.VocabSize {
				return nil, fmt.Errorf("model: %s: row %d has id %d at %d, outside the vocabulary of %d", name, i, id, t, config.VocabSize)
			}
		}
	}
	groups := buckets.ByLength(lengths, scoreRows)
	out := make([][]float32, len(rows))
	errs := make([]error, workers)
	var group sync.WaitGroup
	for k := range workers {
		group.Go(func() {
			for i := k; i < len(groups) && errs[k] == nil; i += workers {
				if errs[k] = context.Cause(ctx); errs[k] == nil {
					errs[k] = device.Guard(func() error { return n.forwardGroup(run, rows, groups[i], scalars, out) })
				}
			}
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return out, nil
}

// forwardGroup runs the graph over one group.
func (n *Net) forwardGroup(run *device.Exec, rows [][]int32, group []int, scalars []float32, out [][]float32) error {
	size := buckets.Rows(n.Parameters(), len(group), scoreRows)
	padded := make([][]int32, size)
	longest := 2 // a log-probability needs a token before it
	for k, i := range group {
		padded[k] = rows[i]
		longest = max(longest, len(rows[i]))
	}
	seq := buckets.Length(n.backend, longest)
	in := []*backend.Tensor{backend.Ints(buckets.Pad(padded, seq), size, seq)}
	if scalars != nil {
		in = append(in, backend.Floats(scalars, len(scalars)))
	}
	defer device.Free(in)
	res, err := run.Call(n.weights, in)
	if err != nil {
		return err
	}
	data := device.Take[float32](res[0])
	for k, i := range group {
		out[i] = append([]float32(nil), data[k*seq:k*seq+len(rows[i])]...)
	}
	return nil
}
