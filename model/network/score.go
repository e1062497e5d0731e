package network

import (
	"context"
	"errors"
	"fmt"
	"sync"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/satori-go/satori/model/backend"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/device"
)

const (
	// workers is how many groups of rows are computed side by side.
	workers = 2
	// scoreRows is how many rows one call of a forward graph takes, at most.
	scoreRows = 32
	// large is the number of weights from which a padded row costs more than another
	// compiled graph does: seconds, as compiling does.
	large = 20_000_000
)

// Large reports whether a padded row of the network costs more than one more compiled graph.
func (n *Net) Large() bool { return n.Parameters() >= large }

// CallRows returns how many rows a call takes that has count to fill: most, so that there is
// one graph, or of a large network the next power of two.
func (n *Net) CallRows(count, most int) int {
	if !n.Large() {
		return most
	}
	rows := 1
	for rows < count {
		rows *= 2
	}
	return min(rows, most)
}

// ErrScalarHead says that a reward model or critic was asked for tokens.
var ErrScalarHead = errors.New("the network has a scalar head, and none for tokens")

// Scores runs the scalar head over rows of tokens: entry t of a row is the score of
// the row up to and with token t, and there are as many as tokens. A reward model reads the
// last entry; a critic reads the entry before a token as the value of the state in which it
// was chosen. An empty row, one longer than max_position_embeddings and an id outside the
// vocabulary are errors, here and in the functions below, that name the row.
func (n *Net) Scores(ctx context.Context, rows [][]int32) ([][]float32, error) {
	if !n.Config.Score {
		return nil, fmt.Errorf("model: Scores: the network has no %s", decoder.ScoreHead)
	}
	return n.forward(ctx, "scores", rows, nil, func(d decoder.Decoder, in []*Node) *Node {
		return d.Scores(d.Hidden(in[0]))
	})
}

// TokenLogProbs is the log-probability, in nats, of each token of each row given those
// before it, under the logits divided by a temperature, which is positive. Entry 0 of a row
// is 0.
func (n *Net) TokenLogProbs(ctx context.Context, rows [][]int32, temperature float64) ([][]float32, error) {
	if !(temperature > 0) { // NaN, too
		return nil, fmt.Errorf("model: TokenLogProbs: the temperature is %g, want it positive", temperature)
	}
	if n.Config.Score {
		return nil, fmt.Errorf("model: TokenLogProbs: %w", ErrScalarHead)
	}
	return n.forward(ctx, "log-probs", rows, []float32{float32(temperature)}, func(d decoder.Decoder, in []*Node) *Node {
		logp, _ := d.LogProbs(d.Hidden(in[0]), in[0], Reshape(in[1]))
		return logp
	})
}

// LogProbs is the log-probability, in nats, of each token of each sequence given those
// before it, at temperature 1. The first token has none: entry i is that of token i+1, and
// there is one entry fewer than there are tokens.
func (n *Net) LogProbs(ctx context.Context, seqs [][]int32) ([][]float32, error) {
	rows, err := n.TokenLogProbs(ctx, seqs, 1)
	for i := range rows {
		rows[i] = rows[i][1:]
	}
	return rows, err
}

// forward runs a graph over padded groups of rows, two groups at a time, and cuts its
// [rows, seq] results to the rows' lengths.
func (n *Net) forward(ctx context.Context, name string, rows [][]int32, scalars []float32, build func(decoder.Decoder, []*Node) *Node) ([][]float32, error) {
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
	groups := LengthBuckets(lengths, scoreRows)
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

func (n *Net) forwardGroup(run *device.Exec, rows [][]int32, group []int, scalars []float32, out [][]float32) error {
	size := n.CallRows(len(group), scoreRows)
	padded := make([][]int32, size)
	longest := 2 // LogProbs wants something to shift
	for k, i := range group {
		padded[k] = rows[i]
		longest = max(longest, len(rows[i]))
	}
	width := n.Width(longest)
	in := []*backend.Tensor{backend.Ints(PadRows(padded, width), size, width)}
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
		out[i] = append([]float32(nil), data[k*width:k*width+len(rows[i])]...)
	}
	return nil
}
