package model

import (
	"context"
	"errors"
	"fmt"
	"sync"

	. "github.com/gomlx/gomlx/core/graph"
)

// scoreRows is how many rows one call of a forward graph takes.
const scoreRows = 32

// Scores runs the scalar head over rows of tokens: entry t of a row is the score of
// the row up to and with token t. A reward model reads the last entry; a critic reads
// the entry before a token as the value of the state in which it was chosen.
func (n *Net) Scores(ctx context.Context, rows [][]int32) ([][]float32, error) {
	if !n.Config.Score {
		return nil, fmt.Errorf("model: Scores: the network has no %s", scoreHead)
	}
	return n.forward(ctx, "scores", rows, nil, func(c Config, w Weights, in []*Node) *Node {
		return c.Scores(w, c.Hidden(w, in[0]))
	})
}

// TokenLogProbs is the log-probability of each token of each row given those before
// it, at a temperature. Entry 0 of a row is 0.
func (n *Net) TokenLogProbs(ctx context.Context, rows [][]int32, temperature float64) ([][]float32, error) {
	if n.Config.Score {
		return nil, errors.New("model: TokenLogProbs: the network has a scalar head")
	}
	return n.forward(ctx, "log-probs", rows, []float32{float32(temperature)}, func(c Config, w Weights, in []*Node) *Node {
		logits := c.Logits(w, c.Hidden(w, in[0]))
		return LogProbs(Div(logits, Reshape(in[1], 1, 1, 1)), in[0], 1)
	})
}

// forward runs a graph over padded groups of rows, two groups at a time, and cuts its
// [rows, seq] results to the rows' lengths.
func (n *Net) forward(ctx context.Context, name string, rows [][]int32, scalars []float32, build func(Config, Weights, []*Node) *Node) ([][]float32, error) {
	config := n.Config
	n.execs.Lock()
	if n.compiled == nil {
		n.compiled = map[string]*exec{}
	}
	if n.compiled[name] == nil {
		n.compiled[name] = newExec(n.backend, name, func(in []*Node) []*Node {
			w, in := config.bind(in)
			return []*Node{build(config, w, in)}
		})
	}
	run := n.compiled[name]
	n.execs.Unlock()

	lengths := make([]int, len(rows))
	for i, r := range rows {
		lengths[i] = len(r)
		if len(r) == 0 || len(r) > config.MaxPositions {
			return nil, fmt.Errorf("model: %s: row %d has %d tokens, want 1 to max_position_embeddings %d", name, i, len(r), config.MaxPositions)
		}
	}
	groups := Groups(lengths, scoreRows)
	out := make([][]float32, len(rows))
	errs := make([]error, lanes)
	var group sync.WaitGroup
	for k := range lanes {
		group.Go(func() {
			for i := k; i < len(groups) && errs[k] == nil; i += lanes {
				if errs[k] = context.Cause(ctx); errs[k] == nil {
					errs[k] = n.forwardGroup(run, rows, groups[i], scalars, out)
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

func (n *Net) forwardGroup(run *exec, rows [][]int32, group []int, scalars []float32, out [][]float32) error {
	padded := make([][]int32, scoreRows)
	longest := 2 // LogProbs wants something to shift
	for k, i := range group {
		padded[k] = rows[i]
		longest = max(longest, len(rows[i]))
	}
	width := Width(longest)
	in := []*Tensor{Ints(PadRows(padded, width), scoreRows, width)}
	if scalars != nil {
		in = append(in, Floats(scalars, len(scalars)))
	}
	defer free(in)
	res, err := run.call(n.weights, in)
	if err != nil {
		return err
	}
	data := flat[float32](res[0])
	for k, i := range group {
		out[i] = append([]float32(nil), data[k*width:k*width+len(rows[i])]...)
	}
	return nil
}
